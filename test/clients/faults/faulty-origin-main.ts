import { startFaultyOrigin } from './faulty-origin.ts'

/** Runs a faulty origin until it is ended: `node faulty-origin-main.ts INIT`, with a FaultyOriginInit as JSON. */
await startFaultyOrigin(JSON.parse(process.argv[2] ?? ''))
process.stdout.write('ready\n')
