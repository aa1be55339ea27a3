import type { SeedListener } from './seeder.ts'

/** A listener that tells one that hears of everything, and one that hears of how reads end. */
export function seedListeners(
  first: SeedListener,
  second: Pick<SeedListener, 'complete' | 'failed' | 'dropped'>,
): SeedListener {
  return {
    grown: task => first.grown(task),
    complete(task) {
      first.complete(task)
      second.complete(task)
    },
    failed(task, error) {
      first.failed(task, error)
      second.failed(task, error)
    },
    dropped(task, code) {
      first.dropped(task, code)
      second.dropped(task, code)
    },
  }
}
