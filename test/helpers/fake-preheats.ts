import { withSignal } from '../../lib/with-signal.ts'
import type { PreheatJob, PreheatRequest, PreheatSummary } from '../../protocol/messages/preheat-api.ts'
import type { Preheats } from '../../supernode/preheat/preheats.ts'

/** A job for an image, just begun. */
export function preheatJob(changes: Partial<PreheatJob> = {}): PreheatJob {
  return {
    id: 1,
    state: 'pending',
    name: 'harbor.example.com/library/nginx:1.27',
    digest: null,
    scope: 'all',
    createdAt: Date.UTC(2026, 10, 20, 23, 56, 31),
    endedAt: null,
    deadlineAt: null,
    reason: null,
    sizeBytes: null,
    contents: { done: 0, total: 0 },
    nodes: { done: 0, failed: 0, total: 0 },
    platforms: [],
    standing: false,
    contentList: [],
    nodeList: [],
    ...changes,
  }
}

/** A job as lists have it. */
export function summaryOf({ platforms, standing, contentList, nodeList, ...summary }: PreheatJob): PreheatSummary {
  return summary
}

/** Jobs that go on when a test says so. */
export interface FakePreheats extends Preheats {
  /** What was asked for, duplicates included. */
  readonly requests: readonly PreheatRequest[]
  /** Thrown by each start for this image, from now on. */
  failFor(image: string, error: Error): void
  /** Changes a job, by default the first. */
  change(changes: Partial<PreheatJob>, id?: number): void
  /** Streams that are open. */
  watching(): number
}

interface Entry {
  job: PreheatJob
  readonly key: string
  version: number
  changed: PromiseWithResolvers<void>
}

/** No jobs so far. @param wallTime of what begins and is cancelled */
export function createFakePreheats(wallTime: () => number = () => Date.UTC(2026, 10, 20, 23, 56, 31)): FakePreheats {
  const entries: Entry[] = []
  const requests: PreheatRequest[] = []
  const failures = new Map<string, Error>()
  let open = 0

  function change(changes: Partial<PreheatJob>, id = 1): void {
    const entry = entries[id - 1]
    if (entry === undefined) throw new Error(`there is no job ${id}`)
    entry.job = { ...entry.job, ...changes }
    entry.version++
    entry.changed.resolve()
    entry.changed = Promise.withResolvers()
  }

  return {
    requests,
    change,
    failFor: (image, error) => void failures.set(image, error),
    watching: () => open,
    async start(request) {
      requests.push(request)
      const { image, files = [], scope = 'all' } = request
      const name = image ?? files[0] ?? ''
      const failure = failures.get(name)
      if (failure !== undefined) throw failure
      const key = `${name} ${scope}`
      const same = entries.find(entry => entry.key === key && entry.job.endedAt === null)
      if (same !== undefined) return { job: summaryOf(same.job), isNew: false }
      const job = preheatJob({ id: entries.length + 1, name, scope, createdAt: wallTime() })
      entries.push({ job, key, version: 0, changed: Promise.withResolvers() })
      return { job: summaryOf(job), isNew: true }
    },
    get: id => entries[id - 1]?.job,
    list: () => entries.map(({ job }) => summaryOf(job)).reverse(),
    async cancel(id) {
      if (entries[id - 1]?.job.endedAt !== null) return false
      change({ state: 'cancelled', endedAt: wallTime() }, id)
      return true
    },
    async *watch(id, { signal }) {
      const entry = entries[id - 1]
      let seen = -1
      open++
      try {
        while (entry !== undefined) {
          if (seen === entry.version) await withSignal(entry.changed.promise, signal)
          const { job, version } = entry
          seen = version
          yield job
          if (job.endedAt !== null) return
        }
      } finally {
        open--
      }
    },
  }
}
