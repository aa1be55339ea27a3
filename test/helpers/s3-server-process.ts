import type { Socket } from 'node:net'
import S3rver from '@20minutes/s3rver'

/**
 * An S3 store as a process, because its continuation tokens want the old ciphers of OpenSSL, which are an option of a process. Started
 * by `startS3Server`, whose messages it answers.
 */
const [directory = '', ...buckets] = process.argv.slice(2)
const sockets = new Set<Socket>()
let held = 0

const store = new S3rver({
  address: '127.0.0.1',
  port: 0,
  silent: true,
  directory,
  vhostBuckets: false,
  configureBuckets: buckets.map(name => ({ name })),
})
const { port } = await store.run()
store.httpServer.on('request', (request, response) => {
  sockets.add(request.socket)
  held += 1
  response.on('close', () => {
    held -= 1
  })
})
process.on('message', () => {
  process.send?.({ held, takenBytes: [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0) })
})
process.on('disconnect', () => process.exit())
process.send?.({ port })
