import { expect, test } from 'vitest'
import { Unit } from '../../chaos/cluster/unit.ts'
import { startProcess } from '../../helpers/process.ts'

/** A program that does not start in some of its lives. */
function unitFailing(...lives: readonly number[]): Unit {
  return new Unit({
    name: 'program',
    restartMs: 1,
    crashed: () => {},
    async start(life) {
      if (lives.includes(life)) throw new Error(`life ${life} did not begin`)
      return startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    },
  })
}

test('a program that has lived is started again until it starts', async () => {
  await using unit = unitFailing(2, 3)
  await unit.start()
  await unit.kill()
  expect(unit.pid).toBeUndefined()
  await unit.start()
  expect(unit.life).toBe(4)
  expect(unit.pid).toBeDefined()
})

test('a program that does not start at all is an error at once', async () => {
  await using unit = unitFailing(1)
  await expect(unit.start()).rejects.toThrow('life 1 did not begin')
  expect(unit.life).toBe(1)
})
