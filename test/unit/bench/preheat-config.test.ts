import { describe, expect, test } from 'vitest'
import { PreheatConfig, planOf } from '../../../bench/preheat/config.ts'
import { configOf, createConfigCommand } from '../../../lib/config/config-command.ts'

const MIB = 1024 * 1024

function planWith(...args: string[]) {
  const command = createConfigCommand('preheat', '', PreheatConfig, { plainBooleans: true })
  command.action(() => {}).exitOverride()
  command.parse(['node', 'preheat', ...args])
  return planOf(configOf(command, PreheatConfig))
}

describe('the settings of the preheat benchmark', () => {
  test('are twelve layers to ten nodes, all links at 100 Mbit/s, three times', () => {
    const rates = { node: 100e6, supernode: 100e6, registry: 100e6 }
    const sizes = { size: 256 * MIB, layers: 12, pullSize: 128 * MIB }
    expect(planWith()).toEqual({ nodes: 10, ...sizes, rounds: 3, rates })
  })

  test('may be smaller', () => {
    const args = ['--nodes', '3', '--rate', '20mbit', '--size', '8MiB', '--pull-size', '1MiB', '--rounds', '1']
    const rates = { node: 20e6, supernode: 20e6, registry: 20e6 }
    const expected = { nodes: 3, size: 8 * MIB, layers: 12, pullSize: MIB, rounds: 1, rates }
    expect(planWith(...args)).toEqual(expected)
  })

  test.each([
    [['--rate', 'fast'], 'rate must be a rate from 1mbit to 100gbit, such as 100mbit; "fast" is none'],
    [['--size', '1MiB'], 'size from the command line must be >= 2097152'],
    [['--size', '40MiB'], 'pullSize must be at most half of size, 20971520 bytes here: otherwise the preheat would be'],
    [['--nodes', '1'], 'nodes from the command line must be >= 2'],
    [['--nodes', '2000'], 'nodes from the command line must be <= 200'],
    [['--layers', '0'], 'layers from the command line must be >= 1'],
    [['--rounds', '0'], 'rounds from the command line must be >= 1'],
  ])('refuse %j and say what is expected', (args, message) => {
    expect(() => planWith(...args)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
