import { describe, expect, it } from 'vitest'
import { createLifecycle, createStartable, type Startable } from '../../../lib/lifecycle.ts'

/** A part that writes down what happens to it. */
function part(name: string, log: string[], faults: Partial<Startable> = {}): Startable {
  return {
    async start() {
      log.push(`start ${name}`)
      await faults.start?.()
    },
    async stop() {
      log.push(`stop ${name}`)
      await faults.stop?.()
    },
  }
}

const fail = async () => {
  throw new Error('fault')
}

const never = () => new Promise<void>(() => {})

/** Work that ends when it is told to. */
function gate(): { readonly work: () => Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, open: resolve }
}

describe('createLifecycle', () => {
  it('starts in order and stops in reverse', async () => {
    const log: string[] = []
    const lifecycle = createLifecycle([part('a', log), part('b', log), part('c', log)])
    await lifecycle.start()
    await lifecycle.stop()
    expect(log).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
  })

  it('starts and stops each part once, however often it is asked', async () => {
    const log: string[] = []
    const lifecycle = createLifecycle([part('a', log)])
    await lifecycle.stop()
    await Promise.all([lifecycle.start(), lifecycle.start()])
    await lifecycle.start()
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    await lifecycle.stop()
    expect(log).toEqual(['start a', 'stop a'])
    await lifecycle.start()
    await lifecycle.stop()
    expect(log).toEqual(['start a', 'stop a', 'start a', 'stop a'])
  })

  it('lets a second start wait for the first', async () => {
    const log: string[] = []
    const held = gate()
    const lifecycle = createLifecycle([part('a', log, { start: held.work }), part('b', log)])
    void lifecycle.start()
    const second = lifecycle.start().then(() => log.push('started'))
    held.open()
    await second
    expect(log).toEqual(['start a', 'start b', 'started'])
    await lifecycle.stop()
  })

  it('stops what was started when a part fails to start, and may be started again', async () => {
    const log: string[] = []
    const faults: Partial<Startable> = { start: fail }
    const lifecycle = createLifecycle([part('a', log), part('b', log, faults), part('c', log)])
    await expect(lifecycle.start()).rejects.toThrow('fault')
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
    delete faults.start
    log.length = 0
    await lifecycle.start()
    expect(log).toEqual(['start a', 'start b', 'start c'])
    await lifecycle.stop()
  })

  it('throws the failure of the start, not that of the roll-back', async () => {
    const log: string[] = []
    const stop = async () => {
      throw new Error('stop fault')
    }
    const lifecycle = createLifecycle([part('a', log, { stop }), part('b', log, { start: fail })])
    await expect(lifecycle.start()).rejects.toThrow(/^fault$/)
  })

  it('ends a start that is under way when it is stopped', async () => {
    const log: string[] = []
    const held = gate()
    const entered = Promise.withResolvers<void>()
    const start = () => {
      entered.resolve()
      return held.work()
    }
    const lifecycle = createLifecycle([part('a', log), part('b', log, { start }), part('c', log)])
    const starting = expect(lifecycle.start()).rejects.toThrow('stopped while starting')
    await entered.promise
    const stopping = lifecycle.stop()
    held.open()
    await starting
    await stopping
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })

  it('ends as the last call said', async () => {
    const log: string[] = []
    const lifecycle = createLifecycle([part('a', log)])
    const calls = [lifecycle.start(), lifecycle.stop(), lifecycle.start(), lifecycle.stop()]
    await Promise.allSettled(calls)
    const starts = log.filter(line => line === 'start a').length
    expect(log.filter(line => line === 'stop a')).toHaveLength(starts)
    log.length = 0
    await Promise.allSettled([lifecycle.start(), lifecycle.stop(), lifecycle.start()])
    expect(log.at(-1)).toBe('start a')
    await lifecycle.stop()
  })

  it('stops the other parts when one fails or throws at once, and says so', async () => {
    const log: string[] = []
    const thrower: Startable = {
      start: async () => {},
      stop() {
        throw new Error('thrown at once')
      },
    }
    const lifecycle = createLifecycle([part('a', log), thrower, part('b', log, { stop: fail }), part('c', log)])
    await lifecycle.start()
    const failure = await lifecycle.stop().catch((error: AggregateError) => error.errors.map(String))
    expect(failure).toEqual(['Error: fault', 'Error: thrown at once'])
    expect(log.slice(-3)).toEqual(['stop c', 'stop b', 'stop a'])
    await expect(lifecycle.stop()).resolves.toBeUndefined()
  })

  it('leaves a part behind that does not stop in time', async () => {
    const log: string[] = []
    const lifecycle = createLifecycle([part('a', log), part('b', log, { stop: never })], 10)
    await lifecycle.start()
    const failure = await lifecycle.stop().catch((error: AggregateError) => error.errors.map(String))
    expect(failure).toEqual(['Error: did not stop within 10 ms'])
    expect(log.slice(-2)).toEqual(['stop b', 'stop a'])
  })

  it('does not wait for ever for a start that hangs', async () => {
    const log: string[] = []
    const entered = Promise.withResolvers<void>()
    const start = () => {
      entered.resolve()
      return never()
    }
    const lifecycle = createLifecycle([part('a', log), part('b', log, { start })], 10)
    void lifecycle.start()
    await entered.promise
    await lifecycle.stop()
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a'])
  })
})

describe('createStartable', () => {
  it('runs calls one after the other and shares the outcome of repeated ones', async () => {
    const log: string[] = []
    const held = gate()
    const startable = createStartable(
      async () => {
        log.push('start')
        await held.work()
        log.push('started')
      },
      async () => void log.push('stop'),
    )
    await startable.stop()
    const first = startable.start()
    expect(startable.start()).toBe(first)
    const calls = [first, startable.stop(), startable.stop(), startable.start()]
    held.open()
    await Promise.all(calls)
    expect(log).toEqual(['start', 'started', 'stop', 'start', 'started'])
  })

  it('counts as stopped after a failed start', async () => {
    const log: string[] = []
    let fault = true
    const startable = createStartable(
      async () => {
        if (fault) throw new Error('fault')
      },
      async () => void log.push('stop'),
    )
    await expect(startable.start()).rejects.toThrow('fault')
    await startable.stop()
    expect(log).toEqual([])
    fault = false
    await startable.start()
    await startable.stop()
    expect(log).toEqual(['stop'])
  })
})
