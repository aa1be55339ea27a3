import type { Commands } from '../commands.ts'
import { endpointOf, isLoopback } from '../endpoints.ts'
import { type Finding, fail, ok } from '../finding.ts'
import type { PortHolder } from './daemon.ts'

/** The peer port of a dfdaemon that runs. */
export interface PeerPortFacts {
  /** Multiaddrs that it tells others, with what a connection from this machine came to. */
  readonly addresses: readonly { readonly address: string; readonly failure: string | undefined }[]
  /** URL of the supernode; empty without one. */
  readonly supernodeUrl: string
  readonly commands: Commands
}

const CHECK = 'peer-port'

/** Whether other machines could reach the peer port by its addresses, as far as can be seen from here. */
export function checkPeerPort({ addresses, supernodeUrl, commands }: PeerPortFacts): Finding {
  const mend = `${commands.start} --p2p-listen /ip4/0.0.0.0/tcp/65002   # and open that port`
  const shown = addresses.map(({ address }) => address).join(', ')
  const open = addresses.filter(({ failure }) => failure === undefined)
  if (open.length === 0) {
    const reasons = addresses.map(({ address, failure }) => `${address} (${failure})`).join(', ')
    return fail(CHECK, `no peer can be reached under ${reasons || 'no address at all'}`, mend)
  }
  const remote = supernodeUrl !== '' && !isLoopback(new URL(supernodeUrl).hostname)
  if (addresses.every(({ address }) => isLoopback(endpointOf(address)?.host ?? ''))) {
    const what = `only this machine reaches ${shown}`
    return remote ? fail(CHECK, what, mend) : ok(CHECK, what)
  }
  return ok(CHECK, `open at ${open.map(({ address }) => address).join(', ')}`)
}

/** A peer port that a dfdaemon will want. */
export interface WantedPortFacts {
  readonly address: string
  readonly holder: PortHolder | undefined
  readonly commands: Commands
}

/** Whether somebody else has a peer port, while the dfdaemon does not run. */
export function checkWantedPort({ address, holder, commands }: WantedPortFacts): Finding[] {
  if (holder === undefined) return []
  const { name, pid } = holder.process ?? { name: 'another process', pid: undefined }
  const what = `${address} is taken by ${name}${pid === undefined ? ' (root can see which)' : ` (process ${pid})`}`
  const mend = `${commands.start} --p2p-listen /ip4/0.0.0.0/tcp/PORT   # another port, or end that process first`
  return [fail(CHECK, what, mend)]
}
