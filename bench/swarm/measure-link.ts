import { fileURLToPath } from 'node:url'
import type { NetworkNode } from '../../test/helpers/netns.ts'
import { run, startProcess } from '../../test/helpers/process.ts'

const LINK_END = fileURLToPath(new URL('link-end.ts', import.meta.url))
const PORT = 7000
const START_TIMEOUT_MS = 10_000
const END_TIMEOUT_MS = 10_000
const TRANSFER_MS = 2_000
const MIN_TRANSFER_BYTES = 4 * 1024 * 1024

/**
 * Measures what a plain TCP transfer from one machine to another gets out of their links.
 * @param bitsPerSecond what is expected, for the length of the transfer: about two seconds
 * @returns bit/s of payload
 */
export async function measureLink(from: NetworkNode, to: NetworkNode, bitsPerSecond: number): Promise<number> {
  const place = [to.address, `${PORT}`]
  const bytes = Math.max(MIN_TRANSFER_BYTES, Math.round((bitsPerSecond / 8 / 1000) * TRANSFER_MS))
  await using receiver = await startProcess(process.execPath, [LINK_END, 'receive', ...place], to)
  await receiver.waitForLine('stdout', line => line === 'ready', { timeoutMs: START_TIMEOUT_MS })
  await run(process.execPath, [LINK_END, 'send', ...place, `${bytes}`], from)
  return Number(await receiver.waitForLine('stdout', line => line !== 'ready', { timeoutMs: END_TIMEOUT_MS }))
}
