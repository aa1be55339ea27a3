import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { toDamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { withSignal } from '../../with-signal.ts'
import { runCredentialHelper } from './credential-helper.ts'
import type { RegistryCredentials } from './registry-credentials.ts'
import { helperServer } from './registry-host.ts'

const LIFETIME_MS = 60_000
const TIMEOUT_MS = 10_000
const CONCURRENT_RUNS = 4
const REMEMBERED_MAX = 1_000

interface Remembered {
  readonly askedAt: number
  readonly answer: Promise<RegistryCredentials | undefined>
}

/**
 * The answers of credential helpers, each remembered for a minute, failures too: a helper that hangs must not hold up every
 * pull. Those who ask for the same account at the same time share one run.
 */
export class HelperCredentials {
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #env: NodeJS.ProcessEnv
  readonly #timeoutMs: number
  readonly #limit = pLimit(CONCURRENT_RUNS)
  readonly #remembered = new LRUCache<string, Remembered>({ max: REMEMBERED_MAX })
  #stopping = new AbortController()

  constructor(
    components: { readonly logger: Logger; readonly clock: Clock; readonly env?: NodeJS.ProcessEnv },
    init: { readonly timeoutMs?: number } = {},
  ) {
    this.#logger = components.logger
    this.#clock = components.clock
    this.#env = components.env ?? process.env
    this.#timeoutMs = init.timeoutMs ?? TIMEOUT_MS
  }

  /**
   * @param host as `registryHost` spells it
   * @returns undefined when the helper has no account or failed
   * @throws the signal's reason when it aborts
   */
  get(
    helper: string,
    host: string,
    { signal }: { readonly signal?: AbortSignal | undefined },
  ): Promise<RegistryCredentials | undefined> {
    const key = `${helper} ${host}`
    const known = this.#remembered.get(key)
    if (known !== undefined && this.#clock.now() < known.askedAt + LIFETIME_MS) return withSignal(known.answer, signal)
    const answer = this.#limit(() => this.#run(helper, host))
    this.#remembered.set(key, { askedAt: this.#clock.now(), answer })
    return withSignal(answer, signal)
  }

  /** Ends what runs. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the credential store was stopped'))
    await Promise.allSettled([...this.#remembered.values()].map(({ answer }) => answer))
    this.#remembered.clear()
    this.#stopping = new AbortController()
  }

  async #run(helper: string, host: string): Promise<RegistryCredentials | undefined> {
    const { signal } = this.#stopping
    try {
      return await runCredentialHelper(helper, helperServer(host), {
        signal,
        timeoutMs: this.#timeoutMs,
        env: this.#env,
      })
    } catch (error) {
      const { code, detail } = toDamselflyError(error)
      if (!signal.aborted) this.#logger.warn({ code, detail }, 'credential helper failed')
      return undefined
    }
  }
}
