/** Thrown where a signal ended the trial. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** 128 plus the number of the signal, as shells report it. */
  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/**
 * A signal that aborts with `Interrupted` at Ctrl-C, SIGTERM or SIGHUP. A second one ends the process at once, in which
 * case the `exit` listeners of the trial end its children.
 */
export function createInterrupt(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController()
  const listeners = Object.entries(EXIT_CODES).map(([name, exitCode]) => {
    const listener = () => {
      if (controller.signal.aborted) process.exit(exitCode)
      controller.abort(new Interrupted(exitCode))
    }
    process.on(name, listener)
    return { name, listener }
  })
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) process.off(name, listener)
    },
  }
}
