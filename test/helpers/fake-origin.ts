import { silentLogger } from '../../lib/logger.ts'
import type { OpenOptions, Origin, OriginContent, OriginInfo, Source } from '../../lib/origin/origin.ts'
import type { ResumeComponents } from '../../lib/origin/read-resumable.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** What one read of a fake origin does. */
export interface FakeRead {
  /** Throws this instead of opening. */
  readonly refuses?: Error
  /** Breaks off behind this many bytes of the content. */
  readonly breaksAt?: number
  /** Waits for this before it sends the rest behind the byte where it would break off. */
  readonly waitsFor?: Promise<unknown>
  /** Changes this byte. */
  readonly corruptsAt?: number
}

/** An origin in memory, whose reads go wrong as told. */
export interface FakeOrigin extends Origin {
  /** What the next reads do, in order; those after them are good. */
  readonly plans: FakeRead[]
  /** Where the reads so far began. */
  readonly opened: number[]
  /** The headers of the checks so far. */
  readonly checked: Source[]
  checks: () => Promise<OriginInfo>
}

/** @param told whether the origin says how long its content is */
export function fakeOrigin(content: Uint8Array, { told = true, chunkBytes = 7 } = {}): FakeOrigin {
  const sizeBytes = told ? content.length : undefined
  const origin: FakeOrigin = {
    plans: [],
    opened: [],
    checked: [],
    checks: async () => ({ sizeBytes, validator: '"v1"' }),
    async open(_source, options = {}) {
      const { start = 0, signal }: OpenOptions = options
      const plan = origin.plans.shift() ?? {}
      origin.opened.push(start)
      if (plan.refuses !== undefined) throw plan.refuses
      const opened: OriginContent = {
        sizeBytes,
        start,
        validator: '"v1"',
        contentType: 'application/octet-stream',
        body: read(plan, start, signal),
        close() {},
      }
      return opened
    },
    async check(source) {
      origin.checked.push(source)
      return origin.checks()
    },
  }

  async function* read(plan: FakeRead, start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const bytes = Uint8Array.from(content)
    if (plan.corruptsAt !== undefined) bytes[plan.corruptsAt] = (bytes[plan.corruptsAt] ?? 0) ^ 0xff
    const stop = plan.breaksAt ?? bytes.length
    for (let at = start; at < stop; at += chunkBytes) {
      signal?.throwIfAborted()
      yield bytes.subarray(at, Math.min(at + chunkBytes, stop))
    }
    if (plan.waitsFor !== undefined) {
      await plan.waitsFor
      signal?.throwIfAborted()
      yield bytes.subarray(Math.max(start, stop))
    } else if (stop < bytes.length) {
      throw new DamselflyError('ORIGIN_FAILED', 'broke off')
    }
  }
  return origin
}

/** Reads of an origin that go on after it broke off, without a pause. */
export function readsOf(origin: FakeOrigin): ResumeComponents {
  return { origin, logger: silentLogger(), account: () => {}, wait: async () => {} }
}
