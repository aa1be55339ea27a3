import type { ChildProcess } from '../../helpers/process.ts'

/** A program that was not told to end, and did. */
export interface Crash {
  readonly unit: string
  readonly life: number
  /** Exit code or signal. */
  readonly how: string
}

/** What a unit is made of. */
export interface UnitInit {
  readonly name: string
  /** Starts the program on what an earlier life has left. @param life counts from 1 */
  start(life: number): Promise<ChildProcess>
  /** Ends it like a crash, where SIGKILL from outside is not the way. */
  kill?(child: ChildProcess): Promise<void>
  crashed(crash: Crash): void
}

/** A program of the cluster through its lives. It is stopped when disposed of. */
export class Unit implements AsyncDisposable {
  readonly name: string
  readonly #init: UnitInit
  #child: ChildProcess | undefined
  #life = 0

  constructor(init: UnitInit) {
    this.name = init.name
    this.#init = init
  }

  /** Counts the starts. */
  get life(): number {
    return this.#life
  }

  /** Undefined while it is dead. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts it, and waits until it is ready. @throws Error when it does not become so */
  async start(): Promise<void> {
    const child = await this.#init.start(++this.#life)
    this.#child = child
    const life = this.#life
    void child.exited.then(({ code, signal }) => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#init.crashed({ unit: this.name, life, how: `${signal ?? code}` })
    })
  }

  /** Ends it at once, like a crash. */
  async kill(): Promise<void> {
    const child = this.#forget()
    if (child === undefined) return
    if (this.#init.kill === undefined) child.signal('SIGKILL')
    else await this.#init.kill(child)
    await child.exited
  }

  /** SIGSTOP freezes it until SIGCONT, SIGUSR2 has it say how large its heap is. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#forget()
    child?.signal('SIGCONT')
    await child?.stop()
  }

  #forget(): ChildProcess | undefined {
    const child = this.#child
    this.#child = undefined
    return child
  }
}
