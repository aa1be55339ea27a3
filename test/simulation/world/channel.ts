import type { BlockRequest } from '../../../dfget/peer/picker/state.ts'
import type { EventQueue, SimulatedEvent } from '../engine/event-queue.ts'
import { Flow, type FlowNetwork, type Pipe } from '../engine/flow-network.ts'

/** Who hears of blocks that have arrived. */
export interface Receiver<Sender> {
  delivered(request: BlockRequest, bytes: number, sender: Sender): void
  /** A block has arrived that was cancelled while it was being sent. */
  discarded(bytes: number, sender: Sender): void
  lengthOf(request: BlockRequest): number
}

/** What a channel is made of. */
export interface ChannelParts<Sender> {
  readonly queue: EventQueue
  readonly sender: Sender
  readonly uploads: Uploads
  readonly pipes: readonly Pipe[]
  readonly receiver: Receiver<Sender>
}

/** The sending side of a node: as the block server, it sends one block after the other to each peer, and to so many at once. */
export class Uploads {
  sentBytes = 0
  readonly network: FlowNetwork
  readonly #slots: number
  #sending = 0
  readonly #waiting: Channel[] = []

  /** @param slots blocks sent at once; the others wait in the order of their coming */
  constructor(network: FlowNetwork, slots: number) {
    this.network = network
    this.#slots = slots
  }

  /** A channel has something to send. */
  offer(channel: Channel): void {
    if (this.#sending < this.#slots) this.#begin(channel)
    else this.#waiting.push(channel)
  }

  /** A channel may send its next block at once, because nobody else waits. */
  mayGoOn(): boolean {
    return this.#waiting.length === 0
  }

  /** A channel has stopped sending. */
  release(): void {
    this.#sending--
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.isEmpty) {
        next.passedOver()
        continue
      }
      this.#begin(next)
      return
    }
  }

  #begin(channel: Channel): void {
    this.#sending++
    channel.begin()
  }
}

/** The block stream from one node to another. */
export class Channel<Sender = unknown> implements SimulatedEvent {
  readonly #queue: EventQueue
  readonly #uploads: Uploads
  readonly #receiver: Receiver<Sender>
  readonly #sender: Sender
  readonly #flow: Flow
  readonly #requests: BlockRequest[] = []
  /** When each of them is there. */
  readonly #arrivals: number[] = []
  #awaitsArrival = false
  #state: 'idle' | 'waiting' | 'sending' = 'idle'
  #bytes = 0
  /** What is being sent is not wanted any more. */
  #unwanted = false

  constructor({ queue, sender, uploads, pipes, receiver }: ChannelParts<Sender>) {
    this.#queue = queue
    this.#uploads = uploads
    this.#receiver = receiver
    this.#sender = sender
    this.#flow = new Flow(queue, pipes, () => this.#done())
  }

  get isEmpty(): boolean {
    return this.#requests.length === 0
  }

  /** Whether bytes are on their way. */
  get isSending(): boolean {
    return this.#state === 'sending'
  }

  /** A request is on its way, and will be there at a time that is no earlier than that of any before. */
  ask(request: BlockRequest, arrivesAtMs: number): void {
    this.#requests.push(request)
    this.#arrivals.push(arrivesAtMs)
    if (this.#state === 'idle') this.#awaitArrival()
  }

  /** A request may have arrived. */
  run(): void {
    this.#awaitsArrival = false
    if (this.#state !== 'idle') return
    if (this.#hasArrived) {
      this.#state = 'waiting'
      this.#uploads.offer(this)
    } else this.#awaitArrival()
  }

  get #hasArrived(): boolean {
    const [arrivesAtMs] = this.#arrivals
    return arrivesAtMs !== undefined && arrivesAtMs <= this.#queue.nowMs
  }

  #awaitArrival(): void {
    const [arrivesAtMs] = this.#arrivals
    if (this.#awaitsArrival || arrivesAtMs === undefined) return
    this.#awaitsArrival = true
    this.#queue.after(arrivesAtMs - this.#queue.nowMs, this)
  }

  /** A request is not needed any more. A block that is being sent is sent to its end, as by the block server. */
  cancel(request: BlockRequest): void {
    const at = this.#requests.indexOf(request)
    if (at < 0) return
    if (at === 0 && this.#state === 'sending') {
      this.#unwanted = true
      return
    }
    this.#requests.splice(at, 1)
    this.#arrivals.splice(at, 1)
  }

  /** The stream is broken: nothing more comes. */
  cut(): void {
    this.#requests.length = 0
    this.#arrivals.length = 0
    if (this.#state !== 'sending') return
    this.#unwanted = false
    this.#uploads.network.stop(this.#flow)
    this.#state = 'idle'
    this.#uploads.release()
  }

  /** Its turn has come. */
  begin(): void {
    this.#state = 'sending'
    this.#load()
  }

  /** Its turn has come, and there is nothing to send any more. */
  passedOver(): void {
    this.#state = 'idle'
  }

  #load(): void {
    const [request] = this.#requests
    if (request === undefined) return
    this.#bytes = this.#receiver.lengthOf(request)
    this.#uploads.network.start(this.#flow, this.#bytes)
  }

  #done(): void {
    const request = this.#requests.shift()
    if (request === undefined) return
    this.#arrivals.shift()
    const bytes = this.#bytes
    const unwanted = this.#unwanted
    this.#unwanted = false
    this.#uploads.sentBytes += bytes
    this.#goOn()
    if (unwanted) this.#receiver.discarded(bytes, this.#sender)
    else this.#receiver.delivered(request, bytes, this.#sender)
  }

  #goOn(): void {
    const goesOn = this.#hasArrived
    if (goesOn && this.#uploads.mayGoOn()) {
      this.#load()
      return
    }
    this.#uploads.network.stop(this.#flow)
    this.#state = goesOn ? 'waiting' : 'idle'
    this.#uploads.release()
    if (goesOn) this.#uploads.offer(this)
    else this.#awaitArrival()
  }
}
