import { watch } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { expect } from 'vitest'
import { blockRange } from '../../protocol/block-map.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import type { DaemonTask, NodeStatus, Pull } from '../../protocol/messages/daemon-api.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'
import type { TestBlob } from './blob.ts'
import { type ComparedPull, pullCompared } from './compared-pull.ts'
import type { Hearing, ListeningNeighbour } from './listening-neighbour.ts'
import { type ChildProcess, startProcess } from './process.ts'
import { programMain } from './program-main.ts'
import type { ReportedBlocks } from './reported-blocks.ts'
import { openFiles } from './stored-files.ts'
import { waitFor } from './wait.ts'

/**
 * When a dfdaemon is killed: after so many looks at its open index, after so many bytes have come to its clients, after so many
 * writes to its index, after a neighbour was told of blocks so many times, or when all is complete.
 */
export type KillMoment =
  | { readonly kind: 'opening'; readonly looks: number }
  | { readonly kind: 'pulling'; readonly bytes: number }
  | { readonly kind: 'writing'; readonly writes: number }
  | { readonly kind: 'telling'; readonly news: number }
  | { readonly kind: 'complete' }

export interface KilledNodeComponents {
  readonly neighbour: ListeningNeighbour
  readonly reported: ReportedBlocks
}

export interface KilledNodeInit {
  readonly dataDir: string
  /** The dfdaemon's other flags. */
  readonly flags: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly blobs: readonly TestBlob[]
}

/** The node while it runs. */
interface Life {
  readonly process: ChildProcess
  readonly url: string
  readonly hearing: Hearing
}

const PATIENCE_MS = 30_000

/** A dfdaemon that is killed and started again on one data directory, and pulls the same blobs in each of its lives. */
export class KilledNode {
  readonly #components: KilledNodeComponents
  readonly #init: KilledNodeInit
  /** What its API listed before it was killed. */
  readonly #listed = new Map<string, DaemonTask>()
  #peerId: string | undefined
  #onNews = () => {}

  constructor(components: KilledNodeComponents, init: KilledNodeInit) {
    this.#components = components
    this.#init = init
  }

  /** Starts it, looks whether what it reported in earlier lives is still there, pulls all blobs, and kills it. */
  async liveUntil(moment: KillMoment): Promise<void> {
    const { dataDir, flags, env } = this.#init
    const places = ['--listen', '127.0.0.1:0', '--socket', '', '--data-dir', dataDir]
    const own = ['--trial', '--log-level', 'silent', ...places]
    await using process = await startProcess('node', [programMain('dfdaemon'), ...own, ...flags], { env })
    if (moment.kind === 'opening') await this.#untilOpen(process, moment.looks)
    else if (moment.kind === 'complete') await this.#untilComplete(await this.#begin(process))
    else await this.#untilReached(await this.#begin(process), moment)
    process.signal('SIGKILL')
    await process.exited
    if (this.#peerId !== undefined) await this.#components.reported.untilGone(this.#peerId)
  }

  async #untilOpen(process: ChildProcess, looks: number): Promise<void> {
    const index = join(this.#init.dataDir, 'index')
    let seen = 0
    const look = async () => {
      if ((await openFiles(process.pid)).some(path => path.startsWith(index))) seen++
      return seen >= looks
    }
    await waitFor(look, {
      timeoutMs: PATIENCE_MS,
      intervalMs: 5,
      what: () => `an open index: ${process.stderr.text()}`,
    })
  }

  /** Waits until it runs, and looks at what it holds. */
  async #begin(process: ChildProcess): Promise<Life> {
    const { neighbour, reported } = this.#components
    const line = await process.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: PATIENCE_MS })
    const { http: url } = JSON.parse(line) as { http: string }
    const { peerId: id, addresses } = await get<NodeStatus>(`${url}/api/v1/node`)
    this.#peerId = id
    const hearing = await neighbour.listenTo({ id, addresses }, message => {
      reported.heard(message)
      this.#onNews()
    })
    const life = { process, url, hearing }
    await this.#look(life)
    return life
  }

  /** All that it said it holds is there, and all that is there is right. */
  async #look({ url, hearing }: Life): Promise<void> {
    const listed = await get<DaemonTask[]>(`${url}/api/v1/tasks`)
    for (const blob of this.#init.blobs) {
      const task = taskIdOfDigest(blob.digest)
      const before = [...this.#components.reported.of(task)]
      const stored = listed.some(({ id, storedBytes }) => id === task && storedBytes > 0)
      const now = stored || before.length > 0 ? await hearing.ask(task) : new Set<number>()
      expect(before.filter(block => !now.has(block))).toEqual([])
      expect(await hearing.wrongBlocks(blob, now)).toEqual([])
    }
    const looked = await get<DaemonTask[]>(`${url}/api/v1/tasks`)
    for (const before of this.#listed.values()) {
      const now = looked.find(({ id }) => id === before.id)
      expect(now?.storedBytes).toBeGreaterThanOrEqual(before.storedBytes)
      if (before.state === 'complete') expect(now?.state).toBe('complete')
    }
  }

  /** Pulls all until the moment has come, and kills it there. What came by then is right. */
  async #untilReached(
    life: Life,
    moment: Extract<KillMoment, { kind: 'pulling' | 'writing' | 'telling' }>,
  ): Promise<void> {
    const { process, url, hearing } = life
    const { blobs } = this.#init
    const { promise: told, resolve: tell } = Promise.withResolvers<void>()
    let [bytes, news] = [0, 0]
    this.#onNews = () => {
      if (moment.kind === 'telling' && ++news >= moment.news) tell()
    }
    let writes = 0
    const watcher = watch(join(this.#init.dataDir, 'index'), () => {
      if (moment.kind === 'writing' && ++writes >= moment.writes) process.signal('SIGKILL')
    })
    const list = this.#lister(url)
    const pulls = Promise.all(
      blobs.map(blob =>
        pullCompared({ url }, blob, count => {
          bytes += count
          if (moment.kind === 'pulling' && bytes >= moment.bytes) process.signal('SIGKILL')
          else list()
        }),
      ),
    )
    const asked = blobs.map(({ digest }) => hearing.ask(taskIdOfDigest(digest)))
    await Promise.race([told, pulls])
    process.signal('SIGKILL')
    watcher.close()
    await Promise.all(asked)
    for (const pull of await pulls) {
      expect(pull.right).toBe(true)
      if (pull.ended) expect(storyOf(pull)).toBe(wholeStory(pull.blob))
    }
  }

  /** Pulls all to the end, from what is stored as far as it was reported. */
  async #untilComplete({ url }: Life): Promise<void> {
    const { blobs } = this.#init
    const pulled = await Promise.all(blobs.map(blob => pullCompared({ url }, blob)))
    expect(pulled.map(storyOf)).toEqual(blobs.map(wholeStory))
    const pulls = await get<Pull[]>(`${url}/v1/pulls`)
    for (const { digest, bytes } of blobs) {
      const task = taskIdOfDigest(digest)
      const pull = pulls.find(each => each.task === task)
      expect(pull?.account.diskBytes).toBeGreaterThanOrEqual(this.#reportedBytes(task, bytes.length))
    }
    await waitFor(
      async () => {
        const tasks = await get<DaemonTask[]>(`${url}/api/v1/tasks`)
        for (const task of tasks) this.#listed.set(task.id, task)
        return tasks.every(({ state }) => state === 'complete')
      },
      { timeoutMs: PATIENCE_MS, what: 'all to be complete' },
    )
  }

  /** Asks for the list of tasks, unless it is being answered already. */
  #lister(url: string): () => void {
    let asked = false
    return () => {
      if (asked) return
      asked = true
      get<DaemonTask[]>(`${url}/api/v1/tasks`).then(
        tasks => {
          for (const task of tasks) this.#listed.set(task.id, task)
          asked = false
        },
        // It was killed meanwhile.
        () => {},
      )
    }
  }

  #reportedBytes(task: TaskId, sizeBytes: number): number {
    const lengths = [...this.#components.reported.of(task)].map(block => {
      const { start, end } = blockRange(block, blockSizeFor(sizeBytes), sizeBytes)
      return end - start
    })
    return lengths.reduce((sum, length) => sum + length, 0)
  }
}

function storyOf({ status, receivedBytes, right, ended }: Omit<ComparedPull, 'blob'>): string {
  return `${status}: ${receivedBytes} ${right ? 'right' : 'wrong'} bytes${ended ? ' and the end' : ''}`
}

function wholeStory({ bytes }: TestBlob): string {
  return storyOf({ status: 200, receivedBytes: bytes.length, right: true, ended: true })
}

async function get<T>(url: string): Promise<T> {
  return (await (await request(url)).body.json()) as T
}
