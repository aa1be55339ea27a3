import { type Static, Type } from 'typebox'
import { LOG_LEVELS } from '../lib/logger.ts'

/** A registry that is reached under another address than its name says. */
export const UpstreamConfig = Type.Object(
  {
    url: Type.String({ pattern: '^https?://[^/?#]+/?$', description: 'where the registry answers, without a path' }),
  },
  { additionalProperties: false },
)
export type UpstreamConfig = Static<typeof UpstreamConfig>

/** The settings of a dfdaemon. Flags, environment variables and docs/configuration.md come from here. */
export const DfdaemonConfig = Type.Object(
  {
    listen: Type.String({
      default: '127.0.0.1:65001',
      pattern: '^.+:\\d{1,5}$',
      description: 'address and port of the registry mirror and of the local API; port 0 picks a free one',
    }),
    supernode: Type.String({
      default: '',
      pattern: '^(https?://.+)?$',
      description: 'URL of the supernode; without one every pull goes to its registry',
    }),
    dataDir: Type.String({
      default: './damselfly/dfdaemon',
      minLength: 1,
      description: "directory for the node's key and its blocks",
    }),
    p2p: Type.Object(
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
    ),
    defaultUpstream: Type.String({
      default: 'docker.io',
      description: 'registry of requests that name none, as those of dockerd',
    }),
    upstreams: Type.Record(Type.String(), UpstreamConfig, {
      default: {},
      description: 'registries by the name in image references; those not listed are reached by https under their name',
    }),
    labels: Type.Object(
      {
        zone: Type.Optional(Type.String({ description: 'zone of the node, for locality' })),
        idc: Type.Optional(Type.String({ description: 'data centre of the node, for locality' })),
        rack: Type.Optional(Type.String({ description: 'rack of the node, for locality' })),
      },
      { additionalProperties: false, default: {} },
    ),
    logLevel: Type.Union(
      LOG_LEVELS.map(level => Type.Literal(level)),
      { default: 'info', description: `one of ${LOG_LEVELS.join(', ')}` },
    ),
  },
  { additionalProperties: false },
)
export type DfdaemonConfig = Static<typeof DfdaemonConfig>
