import { describe, expect, test } from 'vitest'
import { planOf, SwarmConfig } from '../../../bench/swarm/config.ts'
import { parseRate } from '../../../bench/swarm/rate.ts'
import { configOf, createConfigCommand } from '../../../lib/config/config-command.ts'

const MIB = 1024 * 1024

function planWith(...args: string[]) {
  const command = createConfigCommand('swarm', '', SwarmConfig, { plainBooleans: true })
  command.action(() => {}).exitOverride()
  command.parse(['node', 'swarm', ...args])
  return planOf(configOf(command, SwarmConfig))
}

describe('the settings of the swarm benchmark', () => {
  test('are ten nodes, all links at 100 Mbit/s, and an image of 256 MiB in one layer', () => {
    const rates = { node: 100e6, supernode: 100e6, registry: 100e6 }
    expect(planWith()).toEqual({ nodes: 10, size: 256 * MIB, layers: 1, rates, record: undefined })
  })

  test('give the supernode and the registry the rate of the nodes, unless they have one of their own', () => {
    expect(planWith('--rate', '50mbit').rates).toEqual({ node: 50e6, supernode: 50e6, registry: 50e6 })
    const args = ['--rate', '50mbit', '--supernode-rate', '1gbit', '--registry-rate', '2.5mbit']
    expect(planWith(...args).rates).toEqual({ node: 50e6, supernode: 1e9, registry: 2.5e6 })
  })

  test.each([
    [['--rate', 'fast'], 'rate must be a rate from 1mbit to 100gbit, such as 100mbit; "fast" is none'],
    [['--rate', '100mbps'], 'rate must be a rate from 1mbit to 100gbit, such as 100mbit; "100mbps" is none'],
    [['--rate', '0'], 'rate must be a rate from 1mbit to 100gbit, such as 100mbit; "0" is none'],
    [['--rate', ''], 'rate must be a rate from 1mbit to 100gbit, such as 100mbit; "" is none'],
    [
      ['--registry-rate', '-5mbit'],
      'registryRate must be a rate from 1mbit to 100gbit, such as 100mbit; "-5mbit" is none',
    ],
    [
      ['--supernode-rate', '200gbit'],
      'supernodeRate must be a rate from 1mbit to 100gbit, such as 100mbit; "200gbit" is none',
    ],
    [['--size', '0'], 'size from the command line must be >= 1048576'],
    [['--size', 'big'], 'size from the command line: "big" is not a number'],
    [['--nodes', '1'], 'nodes from the command line must be >= 2'],
    [['--nodes', '2000'], 'nodes from the command line must be <= 200'],
    [['--layers', '0'], 'layers from the command line must be >= 1'],
  ])('refuse %j and say what is expected', (args, message) => {
    expect(() => planWith(...args)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    )
  })
})

test.each([
  ['100mbit', 100e6],
  ['1gbit', 1e9],
  ['1500kbit', 1.5e6],
  ['1000000bit', 1e6],
  ['100Mbit', 100e6],
  ['400M', 400e6],
  ['2.5G', 2.5e9],
  ['1000000', 1e6],
])('the rate %s is %d bit/s', (text, rate) => {
  expect(parseRate(text, 'rate')).toBe(rate)
})
