import { fetchedSource } from '../../lib/origin/registered-source.ts'
import { toDamselflyError } from '../../protocol/errors.ts'
import type { SupernodeToPeer } from '../../protocol/messages/control.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { FetchListener } from '../control/peer-listeners.ts'
import type { PreheatNodes } from './job-run.ts'
import type { PlanEvent } from './plan/state.ts'
import type { OpenedContent } from './read-content.ts'
import { reasonOfCode } from './reason.ts'
import type { LinkedNode } from './scope.ts'
import type { Warrants } from './warrants.ts'

export interface NodeFetchesComponents {
  readonly warrants: Warrants
  /** Tells a linked peer. */
  readonly send: (peer: string, message: SupernodeToPeer) => void
  /** What a member of the cluster calls itself. */
  readonly nameOf: (peer: string) => string | undefined
  /** Tells the jobs. */
  readonly tell: (event: PlanEvent) => void
  readonly now: () => number
}

/** A linked node, and how many jobs want it to fetch each task. */
interface FetchingNode {
  readonly node: LinkedNode
  readonly platform: string | undefined
  readonly wanted: Map<TaskId, number>
}

/** Has linked nodes fetch contents, each once, whatever the number of jobs that want it. */
export class NodeFetches implements PreheatNodes, FetchListener {
  readonly #components: NodeFetchesComponents
  readonly #nodes = new Map<string, FetchingNode>()

  constructor(components: NodeFetchesComponents) {
    this.#components = components
  }

  all(): LinkedNode[] {
    return [...this.#nodes.values()].map(({ node }) => node)
  }

  /** The platforms of the linked nodes, as `linux/amd64`. */
  platforms(): string[] {
    return [
      ...new Set([...this.#nodes.values()].map(({ platform }) => platform).filter(platform => platform !== undefined)),
    ]
  }

  fetch(peer: string, content: OpenedContent): void {
    const { warrants, send } = this.#components
    const wanted = this.#nodes.get(peer)?.wanted
    if (wanted === undefined) return
    const { task, source, info } = content
    const jobs = wanted.get(task) ?? 0
    wanted.set(task, jobs + 1)
    if (jobs > 0) return
    try {
      warrants.give(peer, task, { source, info })
    } catch (error) {
      queueMicrotask(() => this.notFetched(peer, task, toDamselflyError(error).code))
      return
    }
    send(peer, { type: 'fetch', task, source: fetchedSource(source) })
  }

  stop(peer: string, task: TaskId): void {
    const { warrants, send } = this.#components
    const wanted = this.#nodes.get(peer)?.wanted
    const jobs = wanted?.get(task)
    if (wanted === undefined || jobs === undefined) return
    if (jobs > 1) {
      wanted.set(task, jobs - 1)
      return
    }
    wanted.delete(task)
    warrants.end(peer, task)
    send(peer, { type: 'stop-fetch', task })
  }

  linked({ address: { id, addresses }, labels, platform }: Parameters<FetchListener['linked']>[0]): void {
    const { nameOf, tell, now } = this.#components
    const node: LinkedNode = { id, name: nameOf(id) ?? id, labels, ips: ipsOf(addresses) }
    this.#nodes.set(id, { node, platform, wanted: new Map() })
    tell({ type: 'linked', node, now: now() })
  }

  gone(peer: string): void {
    this.#nodes.delete(peer)
    this.#components.warrants.endAll(peer)
    this.#components.tell({ type: 'gone', peer, now: this.#components.now() })
  }

  fetched(peer: string, task: TaskId): void {
    if (this.#answered(peer, task)) this.#components.tell({ type: 'fetched', peer, task, now: this.#components.now() })
  }

  notFetched(peer: string, task: TaskId, code: string): void {
    if (!this.#answered(peer, task)) return
    this.#components.tell({ type: 'not-fetched', peer, task, reason: reasonOfCode(code), now: this.#components.now() })
  }

  #answered(peer: string, task: TaskId): boolean {
    this.#components.warrants.end(peer, task)
    return this.#nodes.get(peer)?.wanted.delete(task) === true
  }
}

/** The IP addresses in multiaddrs. */
function ipsOf(addresses: readonly string[]): string[] {
  return [...new Set(addresses.flatMap(address => /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? []))]
}
