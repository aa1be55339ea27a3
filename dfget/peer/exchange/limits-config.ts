import { type Static, Type } from 'typebox'
import { rateSetting, uploadsSetting } from '../../../lib/limits/limit-settings.ts'

/** What a peer may use of its node's links. Part of the settings of every program that is a peer. */
export const PeerLimitsConfig = Type.Object(
  {
    upload: rateSetting('what this node sends to other peers, all together'),
    download: rateSetting('what this node receives from peers, the supernode and origins, all together'),
    perTask: rateSetting('what this node receives of one blob or file'),
    background: rateSetting('what this node receives for preheats and replicas, all together'),
    concurrentUploads: uploadsSetting(32),
  },
  { additionalProperties: false, default: {} },
)
export type PeerLimitsConfig = Static<typeof PeerLimitsConfig>
