import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../protocol/errors.ts'
import { KeyField } from '../protocol/messages/fields.ts'

const BODY_ACTIONS = ['cut', 'reset', 'stall', 'corrupt', 'chunked'] as const
const ACTIONS = ['status', 'slow-first-byte', 'ignore-range', ...BODY_ACTIONS] as const
const KINDS = ['base', 'blob', 'redirect', 'manifest', 'tags', 'referrers', 'upload', 'token'] as const

const count = Type.Integer({ minimum: 0 })

const faultRuleSchema = Type.Object(
  {
    match: Type.Optional(
      Type.Object(
        {
          kind: Type.Optional(Type.Enum([...KINDS])),
          method: Type.Optional(Type.String()),
          digest: Type.Optional(Type.String()),
          repository: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
    ),
    action: Type.Enum([...ACTIONS]),
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    headers: Type.Optional(Type.Record(KeyField, Type.String())),
    afterBytes: Type.Optional(count),
    delayMs: Type.Optional(count),
    times: Type.Optional(count),
  },
  { additionalProperties: false },
)

/**
 * One way to misbehave, for the requests that `match` (all of them when it is absent).
 *
 * `status` answers `status` (default 500) and `headers`. `slow-first-byte` waits `delayMs` before it answers.
 * `ignore-range` answers a Range request with 200. The rest change a body after `afterBytes` of it: `cut` ends the
 * connection with FIN, `reset` with RST, `stall` sends nothing more (for `delayMs`, else until the client leaves),
 * `corrupt` changes the byte at that place; for these `afterBytes` is half the body unless given. `chunked` sends no
 * Content-Length, and ends the body early and in good form when `afterBytes` is given.
 * `times` bounds how often the rule is used. When blobs are redirected, the kind `redirect` is the 307 answer and the
 * kind `blob` the answer of the storage.
 */
export type FaultRule = Static<typeof faultRuleSchema>
/** What a rule does. */
export type FaultAction = FaultRule['action']
/** Actions on the body of an answer. */
export const BODY_FAULTS: readonly FaultAction[] = BODY_ACTIONS

/** What rules are matched with. */
export interface FaultSubject {
  readonly kind: (typeof KINDS)[number]
  readonly method: string
  readonly digest?: string | undefined
  readonly repository?: string | undefined
}

/** The rules in force. */
export interface Faults {
  /** Replaces all rules. @throws DamselflyError REQUEST_INVALID */
  set(rules: readonly FaultRule[]): void
  clear(): void
  /** The rules, `times` being what is left. */
  list(): FaultRule[]
  /** The first rule with one of the actions that matches; one of its `times` is spent. */
  take(subject: FaultSubject, actions: readonly FaultAction[]): FaultRule | undefined
}

const MAX_RULES = 1_000

/** No faults at first. */
export function createFaults(): Faults {
  let rules: FaultRule[] = []
  return {
    set(given) {
      rules = parseFaultRules(given)
    },
    clear() {
      rules = []
    },
    list: () => structuredClone(rules),
    take(subject, actions) {
      const rule = rules.find(candidate => actions.includes(candidate.action) && matches(candidate, subject))
      if (rule?.times !== undefined) rule.times--
      return rule
    },
  }
}

function parseFaultRules(given: unknown): FaultRule[] {
  const schema = Type.Array(faultRuleSchema, { maxItems: MAX_RULES })
  const [problem] = Value.Errors(schema, given)
  if (problem !== undefined) {
    throw new DamselflyError('REQUEST_INVALID', `fault rules: ${problem.instancePath} ${problem.message}`)
  }
  return structuredClone(given) as FaultRule[]
}

function matches({ match = {}, times = 1 }: FaultRule, subject: FaultSubject): boolean {
  return (
    times > 0 &&
    (match.kind === undefined || match.kind === subject.kind) &&
    (match.method === undefined || match.method === subject.method) &&
    (match.digest === undefined || match.digest === subject.digest) &&
    (match.repository === undefined || match.repository === subject.repository)
  )
}
