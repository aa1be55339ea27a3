import { url } from 'node:inspector'

// Imported into a program by `--import`. At SIGUSR2 it goes wrong in the way that TROUBLE names, with the secret PLANTED in the
// error's properties; at SIGURG it says whether a debugger could attach.

const { TROUBLE, PLANTED = '' } = process.env

process.on('SIGUSR2', () => {
  const error = Object.assign(new Error('boom'), { headers: { authorization: PLANTED } })
  if (TROUBLE === 'rejection') void Promise.reject(error)
  else if (TROUBLE === 'url') void new URL(PLANTED)
  else throw error
})
process.on('SIGURG', () => process.stderr.write(`debugger: ${url() ?? 'none'}\n`))
