import { setTimeout as delay } from 'node:timers/promises'
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
  /** Milliseconds between two starts, when the first did not succeed. */
  readonly restartMs?: number
}

/** As the units of systemd have it (`RestartSec`), and for how long: a program cannot start on a full disk, for example. */
const RESTART_MS = 1_000
const RESTARTS_MAX = 60

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

  /**
   * Starts it, and waits until it is ready. What has lived before is started again and again, as a service manager does.
   * @throws Error when it does not become ready
   */
  async start(): Promise<void> {
    let tries = this.#life === 0 ? RESTARTS_MAX : 0
    let child: ChildProcess | undefined
    while (child === undefined) {
      child = await this.#init.start(++this.#life).catch(async error => {
        if (++tries > RESTARTS_MAX) throw error
        await delay(this.#init.restartMs ?? RESTART_MS)
        return undefined
      })
    }
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
