import { DamselflyError } from '../../protocol/errors.ts'
import type { FuzzTarget } from './engine/target.ts'
import { ANSWER_TARGETS } from './targets/answers.ts'
import { API_TARGETS } from './targets/api-routes.ts'
import { DIRECTOR_TARGETS } from './targets/director.ts'
import { FILE_TARGETS } from './targets/files.ts'
import { INSTALL_TARGETS } from './targets/install.ts'
import { INTERCEPTED_TARGETS } from './targets/intercepted.ts'
import { MEMBERSHIP_TARGETS } from './targets/membership.ts'
import { MESSAGE_TARGETS } from './targets/messages.ts'
import { NAME_TARGETS } from './targets/names.ts'
import { NOISE_TARGETS } from './targets/noise.ts'
import { OUTBOUND_TARGETS } from './targets/outbound.ts'
import { PEER_STREAM_TARGETS } from './targets/peer-streams.ts'
import { PREHEAT_BODY_TARGETS } from './targets/preheat-bodies.ts'
import { PROTOCOL_TARGETS } from './targets/protocol.ts'
import { RECORD_STORE_TARGETS } from './targets/record-stores.ts'
import { SERVER_TARGETS } from './targets/servers.ts'
import { SOURCE_TARGETS } from './targets/sources.ts'
import { STATE_FILE_TARGETS } from './targets/state-files.ts'
import { STREAM_TARGETS } from './targets/streams.ts'
import { URL_TARGETS } from './targets/urls.ts'

/** Everything that is fuzzed. */
export const TARGETS: readonly FuzzTarget[] = [
  ...PROTOCOL_TARGETS,
  ...MESSAGE_TARGETS,
  ...MEMBERSHIP_TARGETS,
  ...STREAM_TARGETS,
  ...PEER_STREAM_TARGETS,
  ...DIRECTOR_TARGETS,
  ...NAME_TARGETS,
  ...URL_TARGETS,
  ...FILE_TARGETS,
  ...STATE_FILE_TARGETS,
  ...RECORD_STORE_TARGETS,
  ...INSTALL_TARGETS,
  ...ANSWER_TARGETS,
  ...OUTBOUND_TARGETS,
  ...SOURCE_TARGETS,
  ...PREHEAT_BODY_TARGETS,
  ...API_TARGETS,
  ...SERVER_TARGETS,
  ...INTERCEPTED_TARGETS,
  ...NOISE_TARGETS,
]

/** The target of this name. @throws DamselflyError CONFIG_INVALID that says how to list them */
export function targetNamed(name: string): FuzzTarget {
  const found = TARGETS.find(target => target.name === name)
  if (found !== undefined) return found
  throw new DamselflyError('CONFIG_INVALID', `there is no target "${name}"; npm run fuzz -- --list names them`)
}
