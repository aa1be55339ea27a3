import type { Clock } from '../../../lib/clock.ts'
import { createDownload, type DownloadInit, wantsBlocks } from '../picker/download.ts'
import { askOnce, fillDownload, fillLink, fillNeighbour } from '../picker/fill.ts'
import { dropIdleLink, linkTo } from '../picker/link.ts'
import { endDownload } from '../picker/neighbours.ts'
import { closeRequest, noteArrival } from '../picker/requests.ts'
import type { BlockRequest, Download, Link, Links, Neighbour } from '../picker/state.ts'
import { BackgroundShare } from './background-share.ts'

/** A download as its pump sees it. */
export interface Requester {
  /** Brings what the picker knows of the content and its readers up to date. */
  refresh(): void
  /** Sends a request that is booked as open. When it has ended, however it did, the pump's `close` is called with it. */
  send(request: BlockRequest): void
  /** Ends the requests that are under way, since somebody waits for other content; closed as always. They are asked for again later. */
  giveWay(): void
}

/**
 * Keeps the links of a node full. They are shared by its downloads, which take turns; while somebody waits for one of them, those that nobody
 * waits for get next to nothing, on whichever link (docs/decisions/0035-preheat-priority.md). Whoever sees that more may be asked for
 * says so; what to ask for is chosen once in that turn of the event loop, however often and for whatever it was said.
 */
export class RequestPump {
  readonly #clock: Pick<Clock, 'now'>
  readonly #links: Links = new Map()
  readonly #requesters = new Map<Download, Requester>()
  readonly #share = new BackgroundShare()
  readonly #offered = { links: new Set<Link>(), neighbours: new Set<Neighbour>(), downloads: new Set<Download>() }
  #due = false

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** The link to a peer, for a neighbour of any download. */
  linkTo(peer: string): Link {
    return linkTo(this.#links, peer)
  }

  /** Begins a download. @param init.supernode the supernode's peer id */
  begin(init: Omit<DownloadInit, 'supernode'> & { readonly supernode: string }, requester: Requester): Download {
    const download = createDownload({ ...init, supernode: this.linkTo(init.supernode) })
    this.#requesters.set(download, requester)
    return download
  }

  /** Whether a download has to wait because somebody waits for others. */
  givesWay({ background }: Download): boolean {
    return background && this.#share.isBusy(this.#clock.now())
  }

  /** Somebody is about to wait for content: what nobody waits for gives way at once, so that its bytes are not on the way before it. */
  makeWay(): void {
    if (!this.#share.awaited(this.#clock.now())) return
    for (const [{ background }, requester] of this.#requesters) if (background) requester.giveWay()
  }

  /** Ends a download. The caller ends its open requests and closes them as always. */
  end(download: Download): void {
    this.#requesters.delete(download)
    endDownload(download)
  }

  /** What was asked for is here, and is being verified and stored: the place on the link is free for whoever comes next. */
  arrived(request: BlockRequest): void {
    noteArrival(request)
    this.#share.ended(request, this.#clock.now())
    this.#offerLink(request)
  }

  /** A request has ended, however it did. */
  close(request: BlockRequest): void {
    closeRequest(request)
    this.#share.ended(request, this.#clock.now())
    this.#offerLink(request)
  }

  /** A neighbour has something new to offer. */
  offerNeighbour(neighbour: Neighbour): void {
    this.#offered.neighbours.add(neighbour)
    this.#schedule()
  }

  /** A download has something new to ask for. */
  offerDownload(download: Download): void {
    this.#offered.downloads.add(download)
    this.#schedule()
  }

  /** To be called now and then: forgets links that nobody uses. */
  tick(): void {
    const nowMs = this.#clock.now()
    for (const link of this.#links.values()) dropIdleLink(this.#links, link, nowMs)
  }

  #offerLink({ neighbour }: BlockRequest): void {
    this.#offered.links.add(neighbour.link)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#due) return
    this.#due = true
    queueMicrotask(() => {
      this.#due = false
      for (const request of this.#choose()) this.#requesters.get(request.neighbour.download)?.send(request)
    })
  }

  /** The requests for all that was offered: places that became free first, then for those that somebody waits for. */
  #choose(): BlockRequest[] {
    for (const requester of this.#requesters.values()) requester.refresh()
    const nowMs = this.#clock.now()
    const isBusy = this.#noteAwaited(nowMs)
    const mayAsk = (download: Download) => this.#requesters.has(download) && !(isBusy && download.background)
    const links = taken(this.#offered.links)
    const neighbours = taken(this.#offered.neighbours).filter(isAskable)
    const downloads = taken(this.#offered.downloads)
    return [
      ...links.flatMap(link => fillLink(link, nowMs, { background: !isBusy })),
      ...backgroundLast(neighbours, ({ download }) => download)
        .filter(({ download }) => mayAsk(download))
        .flatMap(neighbour => fillNeighbour(neighbour, nowMs)),
      ...backgroundLast(downloads, download => download)
        .filter(mayAsk)
        .flatMap(download => fillDownload(download, nowMs)),
      ...(isBusy ? this.#askInBackground(nowMs) : []),
    ]
  }

  /** Has those give way that nobody waits for, when somebody begins to wait for others. @returns whether somebody does */
  #noteAwaited(nowMs: number): boolean {
    const downloads = [...this.#requesters.keys()]
    if (!downloads.some(({ background }) => background)) return false
    if (downloads.some(download => !download.background && wantsBlocks(download))) this.makeWay()
    return this.#share.isBusy(nowMs)
  }

  /** A block for one of those that nobody waits for, if they have their turn: they take turns, too. */
  #askInBackground(nowMs: number): BlockRequest[] {
    if (!this.#share.hasTurn(nowMs)) return []
    for (const [download, requester] of this.#requesters) {
      const request = download.background ? askOnce(download, nowMs) : undefined
      if (request === undefined) continue
      this.#share.asked(request)
      // Whoever had its turn comes last.
      this.#requesters.delete(download)
      this.#requesters.set(download, requester)
      return [request]
    }
    return []
  }
}

/** Empties a set. */
function taken<T>(set: Set<T>): T[] {
  const all = [...set]
  set.clear()
  return all
}

/** Whether it is still a neighbour in a download that goes on. */
function isAskable(neighbour: Neighbour): boolean {
  return neighbour.link.users.includes(neighbour)
}

function backgroundLast<T>(items: readonly T[], downloadOf: (item: T) => Download): T[] {
  return items.toSorted((a, b) => Number(downloadOf(a).background) - Number(downloadOf(b).background))
}
