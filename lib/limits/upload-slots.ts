import type { Clock } from '../clock.ts'

/** A receiver that lets its sender wait this long must not keep others waiting. */
const SLOW_RECEIVER_MS = 2_000
/** How often holders are looked at while somebody waits. */
const LOOK_MS = 250

/** Lets a number of blocks be sent at once; the others wait in the order in which they came. */
export interface UploadSlots {
  /** 0 for no limit. */
  readonly count: number
  /** How many blocks wait for one. */
  readonly waiting: number
  /** Sets another number. Those who are sending are not interrupted. @param count 0 for no limit */
  change(count: number): void
  /** Makes a slot, not yet taken, for one block. */
  create(): UploadSlot
}

/** The right to send one block, which a receiver that does not take it makes its sender lose while others wait. */
export interface UploadSlot {
  readonly held: boolean
  /** Waits for the slot, at first or after it was lost. @returns false when the signal ended the wait */
  take(signal: AbortSignal): Promise<boolean>
  /** From now on the receiver is waited for. */
  receiverWaitBegins(): void
  receiverWaitEnds(): void
  /** Gives it back, held or not. */
  release(): void
}

interface Holder {
  held: boolean
  /** Since when the receiver has been waited for; infinite while it is not. */
  receiverSinceMs: number
}

interface Waiter {
  readonly holder: Holder
  readonly resolve: (taken: boolean) => void
}

/** @param init number of slots, 0 for no limit */
export function createUploadSlots(clock: Clock, init: number): UploadSlots {
  const holders = new Set<Holder>()
  const queue: Waiter[] = []
  let count = init
  let cancelLook: (() => void) | undefined

  function hasRoom(): boolean {
    return count === 0 || holders.size < count
  }

  function hold(holder: Holder): void {
    holder.held = true
    holders.add(holder)
  }

  function drop(holder: Holder): void {
    holder.held = false
    holders.delete(holder)
  }

  function serve(): void {
    while (queue.length > 0 && hasRoom()) {
      const waiter = queue.shift()
      if (waiter === undefined) return
      hold(waiter.holder)
      waiter.resolve(true)
    }
    if (queue.length > 0) cancelLook ??= clock.every(LOOK_MS, dropSlow)
    else {
      cancelLook?.()
      cancelLook = undefined
    }
  }

  function dropSlow(): void {
    const beforeMs = clock.now() - SLOW_RECEIVER_MS
    for (const holder of holders) {
      if (queue.length === 0) return
      if (holder.receiverSinceMs > beforeMs) continue
      drop(holder)
      serve()
    }
  }

  function wait(holder: Holder, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const waiter: Waiter = {
      holder,
      resolve(taken) {
        signal.removeEventListener('abort', abandon)
        resolve(taken)
      },
    }
    function abandon(): void {
      queue.splice(queue.indexOf(waiter), 1)
      waiter.resolve(false)
      serve()
    }
    signal.addEventListener('abort', abandon)
    queue.push(waiter)
    serve()
    return promise
  }

  return {
    get count() {
      return count
    },
    get waiting() {
      return queue.length
    },
    change(next) {
      count = next
      serve()
    },
    create() {
      const holder: Holder = { held: false, receiverSinceMs: Number.POSITIVE_INFINITY }
      return {
        get held() {
          return holder.held
        },
        async take(signal) {
          if (signal.aborted) return false
          if (queue.length > 0 || !hasRoom()) return wait(holder, signal)
          hold(holder)
          return true
        },
        receiverWaitBegins() {
          holder.receiverSinceMs = clock.now()
        },
        receiverWaitEnds() {
          holder.receiverSinceMs = Number.POSITIVE_INFINITY
        },
        release() {
          drop(holder)
          serve()
        },
      }
    },
  }
}
