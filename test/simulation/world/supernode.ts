import type { TaskId } from '../../../protocol/task.ts'
import { apply } from '../../../supernode/scheduler/apply.ts'
import type { SchedulerEffect } from '../../../supernode/scheduler/effect.ts'
import type { SchedulerEvent } from '../../../supernode/scheduler/event.ts'
import { createSchedulerState, type SchedulerState } from '../../../supernode/scheduler/state.ts'
import { createPipe, type Pipe } from '../engine/flow-network.ts'
import { Uploads } from './channel.ts'
import { SUPERNODE } from './names.ts'
import type { Membership, Node, Surroundings, Tracker } from './parts.ts'
import type { SimulatedTask } from './task.ts'

/** As in the supernode: how long growth of a block map is gathered, and how often time passes for the scheduler. */
const MAP_BATCH_MS = 5
const TICK_MS = 100

/** The simulated supernode: the production scheduler, with everything around it simulated. */
export class SimulatedSupernode implements Tracker {
  readonly up: Pipe
  readonly uploads: Uploads
  alive = true
  /** What the scheduler was asked, and the processor time that it took. */
  schedulerEvents = 0
  schedulerMs = 0
  readonly #world: Surroundings
  readonly #tasks: Map<TaskId, SimulatedTask>
  #state: SchedulerState

  constructor(world: Surroundings, tasks: readonly SimulatedTask[]) {
    this.#world = world
    this.#tasks = new Map(tasks.map(task => [task.id, task]))
    this.up = createPipe(world.goodput(world.spec.supernode.upBytesPerMs))
    this.uploads = new Uploads(world.network, world.spec.supernode.uploadSlots)
    this.#state = createSchedulerState(world.spec.seed)
  }

  /** As peers see it: how long it has been silent. */
  get silentMs(): number {
    return this.alive ? 0 : Number.POSITIVE_INFINITY
  }

  start(): void {
    this.#every(TICK_MS, () => this.#dispatch({ type: 'tick', now: this.#world.queue.nowMs }))
    this.#every(MAP_BATCH_MS, () => this.#read())
  }

  die(): void {
    this.alive = false
    for (const peer of this.#world.peers) {
      peer.cutFrom(SUPERNODE)
      for (const session of peer.sessions) session.revokeGrants()
    }
  }

  connected(peer: Node): void {
    this.tell({ type: 'peer-connected', peer: peer.id, labels: peer.spec.labels })
  }

  disconnected(peer: Node): void {
    this.tell({ type: 'peer-gone', peer: peer.id })
  }

  /** A control message of a peer is on its way. */
  tell(event: SchedulerEvent): void {
    this.#world.controlMessages++
    this.#world.later(1, () => {
      if (this.alive) this.#dispatch('now' in event ? { ...event, now: this.#world.queue.nowMs } : event)
    })
  }

  join(session: Membership): void {
    const { task, peer } = session
    if (!this.alive) return
    if (!task.started) {
      task.started = true
      this.#dispatch({ type: 'task-added', task: task.id, blockSizeBytes: task.spec.blockBytes })
    }
    session.mapGrew(task.readyBlocks)
    const { nowMs } = this.#world.queue
    this.#dispatch({ type: 'join', peer: peer.id, task: task.id, have: session.download.have, wants: true, now: nowMs })
  }

  /** Reads on from the origin, all tasks at once. */
  #read(): void {
    const reading = [...this.#tasks.values()].filter(task => task.started && task.readyBlocks < task.blockCount)
    for (const task of reading) {
      task.readBytes += (this.#world.goodput(this.#world.spec.originBytesPerMs) * MAP_BATCH_MS) / reading.length
      const whole = task.readBytes >= task.spec.sizeBytes
      const readyBlocks = whole ? task.blockCount : Math.floor(task.readBytes / task.spec.blockBytes)
      if (readyBlocks === task.readyBlocks) continue
      this.#world.origin.sentBytes += bytesOf(task, readyBlocks) - bytesOf(task, task.readyBlocks)
      task.readyBlocks = readyBlocks
      this.#world.controlMessages += task.sessions.size
      this.#world.later(1, () => {
        for (const session of task.sessions) session.mapGrew(readyBlocks)
      })
      this.#dispatch({ type: 'blocks-ready', task: task.id, upTo: readyBlocks, now: this.#world.queue.nowMs })
    }
  }

  #every(intervalMs: number, work: () => void): void {
    const event = {
      run: () => {
        if (!this.alive || this.#world.over) return
        work()
        this.#world.queue.after(intervalMs, event)
      },
    }
    this.#world.queue.after(intervalMs, event)
  }

  #dispatch(event: SchedulerEvent): void {
    const before = performance.now()
    const { state, effects } = apply(this.#state, event)
    this.schedulerMs += performance.now() - before
    this.schedulerEvents++
    this.#state = state
    for (const effect of effects) {
      this.#world.controlMessages++
      this.#world.later(1, () => this.#carryOut(effect))
    }
  }

  #carryOut(effect: SchedulerEffect): void {
    const task = this.#tasks.get(effect.task)
    if (task === undefined) return
    const session = this.#world.peerOf(effect.peer)?.sessionOf(task)
    if (session === undefined) return
    if (effect.type === 'grant') {
      session.granted(effect.blocks)
      return
    }
    for (const id of effect.type === 'connect' ? effect.to : effect.from) {
      const other = this.#world.peerOf(id)?.sessionOf(task)
      if (other === undefined) continue
      if (effect.type === 'connect') session.connect(other)
      else session.part(other)
    }
  }
}

function bytesOf(task: SimulatedTask, blocks: number): number {
  return Math.min(task.spec.sizeBytes, blocks * task.spec.blockBytes)
}
