import { type Static, Type } from 'typebox'
import { StoreConfig } from '../lib/blocks/store-config.ts'
import { OperatorSocketSetting } from '../lib/config/operator-socket-setting.ts'
import { TrialSetting } from '../lib/config/trial-setting.ts'
import { PROTECTION_SETTINGS } from '../lib/http/protection/config.ts'
import { LOG_LEVELS } from '../lib/log-levels.ts'
import { OUTAGE_POLICIES } from '../lib/origin/access.ts'
import { OutboundConfig } from '../lib/origin/outbound/config.ts'
import { ServedRegistries, UpstreamConfig } from '../lib/origin/upstreams/upstream-config.ts'
import { P2pConfig } from '../lib/p2p/config.ts'
import { KeyField } from '../protocol/messages/fields.ts'
import { SupernodeLimitsConfig } from './limits.ts'

/** The settings of a supernode. Flags, environment variables and docs/configuration.md come from here. */
export const SupernodeConfig = Type.Object(
  {
    trial: TrialSetting,
    http: Type.Object(
      {
        listen: Type.String({
          default: '127.0.0.1:8002',
          pattern: '^.+:\\d{1,5}$',
          description: 'address and port of the HTTP API; port 0 picks a free one',
        }),
        certFile: Type.String({
          default: '',
          placeholder: 'file',
          description:
            "PEM certificate of the HTTPS API, and those it depends on, for the name that nodes use; read again each hour. One that the cluster's own key signs if empty, which nodes know by their token",
        }),
        keyFile: Type.String({ default: '', placeholder: 'file', description: 'PEM private key of certFile' }),
      },
      { additionalProperties: false, default: {} },
    ),
    membership: Type.Object(
      {
        lifetimeMinutes: Type.Number({
          default: 60,
          minimum: 1,
          maximum: 24 * 60,
          description:
            "how long a node's credential lasts, which it renews after half of it: without a supernode nodes know each other for so long",
        }),
        forgetDays: Type.Number({
          default: 30,
          minimum: 1,
          description: 'how long a node may be away and still come back without a new token',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    ...PROTECTION_SETTINGS,
    p2p: P2pConfig,
    limits: SupernodeLimitsConfig,
    dataDir: Type.String({
      default: './damselfly/supernode',
      minLength: 1,
      description: 'directory for keys, block maps and blocks',
    }),
    operatorSocket: OperatorSocketSetting,
    store: StoreConfig,
    smallBytes: Type.Integer({
      default: 1024 ** 3,
      minimum: 1024 ** 2,
      placeholder: 'bytes',
      description:
        'most that files of up to 64 KiB may take which are sent with the answer to their registration, besides the store; the oldest are deleted',
    }),
    imports: Type.Object(
      {
        replicaGraceSeconds: Type.Number({
          default: 30,
          minimum: 0,
          description: 'how long a replica of a peer that is gone still counts, before another peer is asked',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    preheat: Type.Object(
      {
        // Fewer than the four that a node fetches at once, so that whatever is read is spread at once (docs/decisions/0033-preheat-jobs.md).
        contentsAtOnce: Type.Integer({
          default: 3,
          minimum: 1,
          description: 'layers and files that are read from origins at once because somebody preheats them',
        }),
        nodesAtOnce: Type.Integer({
          default: 500,
          minimum: 1,
          description: 'nodes that fetch for one preheat job at once',
        }),
        deadlineMinutes: Type.Number({
          default: 29,
          minimum: 1,
          maximum: 7 * 24 * 60,
          description:
            'how long a preheat job may take that says nothing of it. Harbor gives up after 30 minutes, when its tokens end, too',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    upstreams: Type.Record(KeyField, UpstreamConfig, {
      default: {},
      description:
        'registries by the name in image references: url, account, caFile, insecure, mirrors (a list of url, ns, account, caFile, insecure). Whoever may register here reads under an account without showing one of his own',
    }),
    registries: ServedRegistries,
    outbound: OutboundConfig,
    ticketLifetimeSeconds: Type.Integer({
      default: 600,
      minimum: 10,
      description: 'how long a peer may use a ticket before it registers again',
    }),
    admissionLifetimeSeconds: Type.Integer({
      default: 60,
      minimum: 0,
      description: "how long the origin's yes to a requester's credentials counts",
    }),
    admissionOutage: Type.Union(
      OUTAGE_POLICIES.map(policy => Type.Literal(policy)),
      {
        default: 'recent',
        description:
          'who may have content of an origin that is down: deny (nobody), recent (whom it said yes to not long ago) or allow (everybody)',
      },
    ),
    admissionRecentSeconds: Type.Integer({
      default: 600,
      minimum: 0,
      description: "how long the origin's yes counts under admissionOutage recent",
    }),
    eventLog: Type.String({
      default: '',
      placeholder: 'file',
      description:
        'file for all that the scheduler is told, one JSON object a line, to be simulated again; none when empty',
    }),
    logLevel: Type.Union(
      LOG_LEVELS.map(level => Type.Literal(level)),
      { default: 'info', description: `one of ${LOG_LEVELS.join(', ')}` },
    ),
  },
  { additionalProperties: false },
)
export type SupernodeConfig = Static<typeof SupernodeConfig>
