import { type Static, Type } from 'typebox'
import { PeerLimitsConfig } from '../dfget/peer/exchange/limits-config.ts'
import { StoreConfig } from '../lib/blocks/store-config.ts'
import { OperatorSocketSetting } from '../lib/config/operator-socket-setting.ts'
import { TrialSetting } from '../lib/config/trial-setting.ts'
import { PROTECTION_SETTINGS } from '../lib/http/protection/config.ts'
import { LOG_LEVELS } from '../lib/log-levels.ts'
import { OUTAGE_POLICIES } from '../lib/origin/access.ts'
import { OutboundConfig } from '../lib/origin/outbound/config.ts'
import { ServedRegistries, UpstreamConfig } from '../lib/origin/upstreams/upstream-config.ts'
import { P2pConfig } from '../lib/p2p/config.ts'
import { DAEMON_SOCKET } from '../protocol/daemon-socket.ts'
import { KeyField, MAX_LABEL_VALUE } from '../protocol/messages/fields.ts'
import { InterceptConfig } from './intercept/config.ts'

/** How a registry is reached, and what becomes of its blobs. */
const DaemonUpstream = Type.Object(
  {
    ...UpstreamConfig.properties,
    p2p: Type.Optional(Type.Boolean({ description: 'whether its blobs go through the swarm; they do by default' })),
  },
  { additionalProperties: false },
)

function labelSetting(description: string) {
  return Type.String({ maxLength: MAX_LABEL_VALUE, description })
}

/** The settings of a dfdaemon. Flags, environment variables and docs/configuration.md come from here. */
export const DfdaemonConfig = Type.Object(
  {
    trial: TrialSetting,
    listen: Type.String({
      default: '127.0.0.1:65001',
      pattern: '^.+:\\d{1,5}$',
      description: 'address and port of the registry mirror and of the local API; port 0 picks a free one',
    }),
    socket: Type.String({
      default: DAEMON_SOCKET,
      placeholder: 'file',
      description: 'Unix socket of the local API, where dfget looks for this dfdaemon; empty for none',
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
    operatorSocket: OperatorSocketSetting,
    store: StoreConfig,
    ...PROTECTION_SETTINGS,
    p2p: P2pConfig,
    limits: PeerLimitsConfig,
    defaultUpstream: Type.String({
      default: 'docker.io',
      description: 'registry of requests that name none, as those of dockerd',
    }),
    upstreams: Type.Record(KeyField, DaemonUpstream, {
      default: {},
      description:
        'registries by the name in image references: url, account, caFile, insecure, mirrors (a list of url, ns, account, caFile, insecure), p2p; those not listed are reached by https under their name',
    }),
    registries: ServedRegistries,
    outbound: OutboundConfig,
    dockerConfigs: Type.Array(Type.String(), {
      default: [],
      description: 'docker config.json files with accounts and credential helpers for registries',
    }),
    access: Type.Object(
      {
        lifetimeSeconds: Type.Integer({
          default: 60,
          minimum: 0,
          description: "how long a registry's yes to a caller counts for what is stored here",
        }),
        outage: Type.Union(
          OUTAGE_POLICIES.map(policy => Type.Literal(policy)),
          {
            default: 'recent',
            description:
              'who gets what is stored here while its registry cannot be asked: deny (nobody), recent (whom it lately said yes to), allow (everybody)',
          },
        ),
        recentSeconds: Type.Integer({
          default: 3600,
          minimum: 0,
          description: 'how long a yes counts while the registry cannot be asked, under the policy recent',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    tags: Type.Array(
      Type.Object(
        {
          pattern: Type.String({ description: 'registry/repository:tag with * for anything' }),
          mode: Type.Union([Type.Literal('revalidate'), Type.Literal('pin'), Type.Literal('bypass')]),
        },
        { additionalProperties: false },
      ),
      {
        default: [],
        description:
          'how far tags are trusted, the first pattern that fits counts: revalidate (the default; the last known digest serves while the registry is down), pin (stays what it was), bypass (not remembered)',
      },
    ),
    tagDeadlineMs: Type.Integer({
      default: 2000,
      minimum: 100,
      description: 'how long a registry may think about a tag before the last known digest serves',
    }),
    checkedFirstBytes: Type.Integer({
      default: 32 * 1024 * 1024,
      minimum: 0,
      description:
        'blobs up to this size are checked as a whole before a client gets their beginning; longer ones flow block by block as they come',
    }),
    intercept: InterceptConfig,
    labels: Type.Object(
      {
        zone: Type.Optional(labelSetting('zone of the node, for locality')),
        idc: Type.Optional(labelSetting('data centre of the node, for locality')),
        rack: Type.Optional(labelSetting('rack of the node, for locality')),
        other: Type.Array(Type.String(), {
          default: [],
          description: 'further labels of the node as KEY=VALUE, pool=gpu for example, by which preheats find it',
        }),
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
