import { createContentClient } from '../../../dfdaemon/client/content-client.ts'
import { SOURCE_DEFAULTS } from '../../config/origin.ts'
import type { DfgetConfig } from '../../config.ts'
import type { Contents } from './contents.ts'
import { DaemonContents } from './daemon-contents.ts'
import { FallbackContents } from './fallback-contents.ts'

/**
 * What gets a run its content: the node's dfdaemon where one answers and can do what was asked for, else a peer of its own.
 * @param urls what the run was asked for
 * @throws DamselflyError CONFIG_INVALID, STORE_FAILED; the signal's reason
 */
export async function chooseContents(
  config: DfgetConfig,
  urls: readonly string[],
  { signal }: { signal: AbortSignal },
): Promise<Contents> {
  // Loaded here: it brings libp2p and a database along, and a dfdaemon has its own.
  const startPeer = async () => (await import('./own-peer.ts')).startOwnPeer(config, urls)
  if (!daemonCanDo(config, urls)) return startPeer()
  const client = createContentClient(config.daemonSocket)
  if (!(await client.answers({ signal }))) return startPeer()
  return new FallbackContents(new DaemonContents(client, config), startPeer)
}

/** Whether a run asks for nothing that only a peer of its own can do. */
export function daemonCanDo(config: DfgetConfig, urls: readonly string[]): boolean {
  const { daemonSocket, dataDir, linger, hardLink, limitRate, totalLimit, uploadLimit } = config
  const ownOrigin =
    config.cacert !== undefined ||
    config.insecure ||
    config.proxy !== undefined ||
    config.timeout !== SOURCE_DEFAULTS.timeout
  const ownStore = dataDir !== undefined || hardLink || linger > 0
  const ownLimits = limitRate > 0 || totalLimit > 0 || uploadLimit > 0
  return daemonSocket !== '' && !ownOrigin && !ownStore && !ownLimits && !urls.some(url => /^file:/i.test(url))
}
