import type { FaultKind } from '../plan/fault.ts'
import { badPeer } from './bad-peer.ts'
import { corruptRunning, corruptStopped } from './corrupt-blocks.ts'
import { cutLinks } from './cut-links.ts'
import type { FaultAction } from './fault-action.ts'
import { fillDisk } from './fill-disk.ts'
import { freeze } from './freeze.ts'
import { halveLink } from './halve-link.ts'
import { kill } from './kill.ts'
import { revokeNode } from './revoke-node.ts'
import { skewClock } from './skew-clock.ts'
import { stranger } from './stranger.ts'

/** What each kind of fault does. */
export const FAULT_ACTIONS: Readonly<Record<FaultKind, FaultAction>> = {
  'supernode-kill': kill,
  'dfdaemon-kill': kill,
  'registry-kill': kill,
  'supernode-freeze': freeze,
  'dfdaemon-freeze': freeze,
  'registry-freeze': freeze,
  'link-cut': cutLinks,
  'link-halve': halveLink,
  'disk-full': fillDisk,
  'clock-skew': skewClock,
  'supernode-clock-skew': skewClock,
  'blocks-corrupt-running': corruptRunning,
  'blocks-corrupt-stopped': corruptStopped,
  'lying-peer': badPeer,
  'silent-peer': badPeer,
  'node-revoke': revokeNode,
  stranger,
}
