import { request } from 'undici'
import { waitFor } from '../../test/helpers/wait.ts'

const TIMEOUT_MS = 60_000

/** Waits until a supernode is linked with a peer. @throws Error when that takes more than a minute; the signal's reason */
export async function waitForPeer(
  supernodeUrl: string,
  peerId: string,
  options: { signal: AbortSignal },
): Promise<void> {
  await waitForEntry<{ id: string }>(`${supernodeUrl}/api/v1/peers`, ({ id }) => id === peerId, options)
}

/** Waits until a supernode has read all of a task. @throws Error when that takes more than a minute; the signal's reason */
export async function waitForTask(
  supernodeUrl: string,
  taskId: string,
  options: { signal: AbortSignal },
): Promise<void> {
  const isHeld = ({ id, state }: { id: string; state: string }) => id === taskId && state === 'complete'
  await waitForEntry(`${supernodeUrl}/api/v1/tasks`, isHeld, options)
}

async function waitForEntry<Entry>(
  url: string,
  isWanted: (entry: Entry) => boolean,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  const look = async () => {
    const { body } = await request(url, { signal })
    return ((await body.json()) as Entry[]).some(isWanted)
  }
  await waitFor(look, { timeoutMs: TIMEOUT_MS, what: `an entry of ${url}`, signal })
}
