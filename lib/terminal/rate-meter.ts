/** How far back the rate looks, if nothing else is said. */
const WINDOW_MS = 5_000
/** Below this span a rate would be noise. */
const MIN_SPAN_MS = 300

/** The rate of a growing count over the last seconds. */
export class RateMeter {
  readonly #windowMs: number
  #samples: { readonly atMs: number; readonly bytes: number }[] = []

  constructor(windowMs = WINDOW_MS) {
    this.#windowMs = windowMs
  }

  /** Notes the count at a moment. Moments do not go back; the caller takes a few samples a second. */
  add(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes })
    // One sample from before the window stays, so that the whole window is covered.
    const first = this.#samples.findIndex(sample => sample.atMs > atMs - this.#windowMs)
    if (first > 1) this.#samples = this.#samples.slice(first - 1)
  }

  /** Undefined until there is enough to tell. */
  get bytesPerSecond(): number | undefined {
    const first = this.#samples.at(0)
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs - first.atMs < MIN_SPAN_MS) return undefined
    return ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * 1000
  }
}
