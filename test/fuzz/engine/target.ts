import type { RandomState } from '../../../supernode/scheduler/random.ts'

/** Something that reads bytes or text which others made: over the network, in a user's file, on a disk that may be damaged. */
export interface FuzzTarget {
  /** As the command names it, in kebab-case; its corpus lies in a folder of this name. */
  readonly name: string
  /** What is read, in a line. */
  readonly about: string
  /** Longest input, in bytes. */
  readonly maxBytes: number
  /** Pieces of input that mean something to it. */
  readonly dictionary?: readonly (string | Uint8Array)[]
  /** Valid inputs, made by our own encoders, beside those of the corpus. */
  readonly seeds?: () => readonly Uint8Array[]
  /** Changes an input by what it means rather than by its bytes. @returns undefined for one that means nothing */
  readonly mutate?: (random: RandomState, input: Uint8Array) => Uint8Array | undefined
  /**
   * How much the heap and the process may have grown at the end, in MiB; more than usual for what keeps caches of its own, which
   * are bounded.
   */
  readonly growthMiB?: { readonly heap: number; readonly rss: number }
  /** A whole program, which takes seconds to start: `npm test` leaves it to `npm run fuzz`. */
  readonly isProgram?: true
  /** Makes it ready. */
  open(): Promise<OpenTarget>
}

/** A target that takes inputs. */
export interface OpenTarget {
  /** Takes one input, to its end. @throws anything that nobody expects of the reader, and when something that has to hold does not */
  run(input: Uint8Array): void | Promise<void>
  /** Ends what `open` started. */
  close?(): PromiseLike<void>
}

/** A target without anything to start or end. */
export function pureTarget(
  target: Omit<FuzzTarget, 'open'>,
  run: (input: Uint8Array) => void | Promise<void>,
): FuzzTarget {
  return { ...target, open: async () => ({ run }) }
}
