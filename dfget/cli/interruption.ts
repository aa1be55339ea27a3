/** The user has had enough. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'

  constructor() {
    super('interrupted')
  }
}

/** Signals that end a download in good order. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** What listens for signals until it is disposed of. */
export interface Interruption extends Disposable {
  /** Aborts with an `InterruptedError`. */
  readonly signal: AbortSignal
}

/** Turns the first signal into an abort. Later ones do what they do without us: they end the process. */
export function listenForInterruption(emitter: NodeJS.EventEmitter = process): Interruption {
  const controller = new AbortController()
  const onSignal = () => {
    stop()
    controller.abort(new InterruptedError())
  }
  const stop = () => {
    for (const name of SIGNALS) emitter.off(name, onSignal)
  }
  for (const name of SIGNALS) emitter.on(name, onSignal)
  return { signal: controller.signal, [Symbol.dispose]: stop }
}
