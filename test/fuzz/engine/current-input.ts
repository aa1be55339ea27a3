const HEADER_BYTES = 8
const TURN = 0
const LENGTH = 1

/** The input that is being taken, in memory that another thread sees too: one that hangs can tell nobody what it hangs on. */
export class CurrentInput {
  readonly memory: SharedArrayBuffer
  readonly #header: Int32Array
  readonly #bytes: Uint8Array

  /** @param memory of another thread's; new for inputs of at most `maxBytes` otherwise */
  constructor(memory: SharedArrayBuffer | { readonly maxBytes: number }) {
    this.memory = memory instanceof SharedArrayBuffer ? memory : new SharedArrayBuffer(HEADER_BYTES + memory.maxBytes)
    this.#header = new Int32Array(this.memory, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT)
    this.#bytes = new Uint8Array(this.memory, HEADER_BYTES)
  }

  /** Changes whenever an input begins or ends; odd while one is being taken. */
  get turn(): number {
    return Atomics.load(this.#header, TURN)
  }

  begin(input: Uint8Array): void {
    this.#bytes.set(input)
    Atomics.store(this.#header, LENGTH, input.length)
    Atomics.add(this.#header, TURN, 1)
  }

  end(): void {
    Atomics.add(this.#header, TURN, 1)
  }

  /** A copy of the input that is being taken. */
  read(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, Atomics.load(this.#header, LENGTH)))
  }
}
