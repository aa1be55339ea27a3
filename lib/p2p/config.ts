import { Type } from 'typebox'

/** How a program's libp2p node is reached: the settings that all of them share. */
export const P2pConfig = Type.Object(
  {
    listen: Type.Array(Type.String(), {
      default: ['/ip4/127.0.0.1/tcp/0'],
      description: 'multiaddrs to listen on for peers',
    }),
    announce: Type.Array(Type.String(), {
      default: [],
      description: 'multiaddrs to tell peers instead of the listening ones',
    }),
  },
  { additionalProperties: false, default: {} },
)
