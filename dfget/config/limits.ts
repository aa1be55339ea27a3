import { Type } from 'typebox'
import { rateSetting, uploadsSetting } from '../../lib/limits/limit-settings.ts'
import type { PeerLimitsConfig } from '../peer/exchange/limits-config.ts'

const group = 'Limits'

/** What a run may use of this machine's links. */
export const LIMIT_SETTINGS = {
  maxConcurrent: Type.Integer({
    group,
    short: '-j',
    default: 8,
    minimum: 1,
    maximum: 256,
    placeholder: 'count',
    description: 'how many of several URLs are downloaded at once',
  }),
  limitRate: Type.Integer({ ...rateSetting('what is received of one file'), group }),
  totalLimit: Type.Integer({ ...rateSetting('what is received, all together'), group }),
  uploadLimit: Type.Integer({ ...rateSetting('what is sent to other peers, all together'), group }),
  concurrentUploads: Type.Integer({ ...uploadsSetting(32), group }),
}

/** The limits as a peer takes them. */
export function peerLimitsOf(config: {
  readonly limitRate: number
  readonly totalLimit: number
  readonly uploadLimit: number
  readonly concurrentUploads: number
}): PeerLimitsConfig {
  const { limitRate, totalLimit, uploadLimit, concurrentUploads } = config
  return { perTask: limitRate, download: totalLimit, upload: uploadLimit, background: 0, concurrentUploads }
}
