import { DamselflyError } from '../../protocol/errors.ts'
import { type Answer, emptyAnswer, jsonAnswer } from '../answer.ts'
import type { FaultRule, Faults } from '../faults.ts'
import type { RegistryRequest } from '../registry-request.ts'
import { readBody } from '../request-body.ts'
import type { Stats } from '../stats.ts'

const RULES_MAX_BYTES = 1024 * 1024

/** `/_stats` (GET, DELETE) and `/_faults` (GET, PUT, DELETE): how a test steers and reads a running registry. */
export function createControlRoute({ faults, stats }: { faults: Faults; stats: Stats }) {
  return async ({ method, path, body }: RegistryRequest): Promise<Answer> => {
    switch (`${method} ${path}`) {
      case 'GET /_stats':
        return jsonAnswer(200, stats.snapshot())
      case 'DELETE /_stats':
        stats.reset()
        return emptyAnswer(204)
      case 'GET /_faults':
        return jsonAnswer(200, faults.list())
      case 'PUT /_faults':
        faults.set(parseRules(await readBody(body, RULES_MAX_BYTES)))
        return emptyAnswer(204)
      case 'DELETE /_faults':
        faults.clear()
        return emptyAnswer(204)
      default:
        throw new DamselflyError('ROUTE_UNKNOWN')
    }
  }
}

/** The rules themselves are checked by `Faults.set`. */
function parseRules(bytes: Buffer): FaultRule[] {
  try {
    return JSON.parse(bytes.toString()) as FaultRule[]
  } catch (cause) {
    throw new DamselflyError('REQUEST_INVALID', 'the body is not JSON', { cause })
  }
}
