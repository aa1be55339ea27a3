import { Type } from 'typebox'
import { MAX_BLOCK_BYTES, MIN_BLOCK_BYTES } from '../../protocol/block-size.ts'
import { DAEMON_SOCKET } from '../../protocol/daemon-socket.ts'

const group = 'Swarm'

/** How a run takes part in the swarm. */
export const SWARM_SETTINGS = {
  daemonSocket: Type.String({
    group,
    default: DAEMON_SOCKET,
    placeholder: 'file',
    description: "socket of the node's dfdaemon, which does the work where there is one; empty to do without",
  }),
  supernode: Type.String({
    group,
    default: '',
    placeholder: 'url',
    pattern: '^(https?://.+)?$',
    description: 'URL of the supernode, for a run that is a peer itself; without one the content comes from its origin',
  }),
  tokenFile: Type.String({
    group,
    default: '',
    placeholder: 'file',
    description:
      'file with a token of the supernode, unless that is on trial: of the role node for a run that is a peer itself, viewer or operator for import, stat and rm',
  }),
  disableBackToSource: Type.Boolean({
    group,
    default: false,
    description: 'never read the origin from here: what the swarm does not give is a failure',
  }),
  priority: Type.Union(
    ['normal', 'background'].map(priority => Type.Literal(priority)),
    {
      group,
      short: '-p',
      default: 'normal',
      placeholder: 'level',
      description: 'normal, or background: gives way to other downloads',
    },
  ),
  blockSize: Type.Optional(
    Type.Integer({
      group,
      aliases: ['piece-length'],
      placeholder: 'bytes',
      minimum: MIN_BLOCK_BYTES,
      maximum: MAX_BLOCK_BYTES,
      description: 'size of blocks of content that is new to the swarm, a power of two (default: by its length)',
    }),
  ),
  linger: Type.Number({
    group,
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
    placeholder: 'seconds',
    description: 'how long to serve other peers after the download, in seconds',
  }),
  p2p: Type.Object(
    {
      listen: Type.Array(Type.String({ pattern: '^/' }), {
        default: ['/ip4/127.0.0.1/tcp/0'],
        placeholder: 'multiaddrs',
        description: 'multiaddrs to listen on for peers',
      }),
    },
    { additionalProperties: false, default: {}, group },
  ),
}
