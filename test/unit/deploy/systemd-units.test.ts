import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { command as dfdaemon } from '../../../dfdaemon/command.ts'
import { command as supernode } from '../../../supernode/command.ts'
import { execStart, readUnit, UNIT_PROGRAMS, unitPath } from '../../helpers/systemd-unit.ts'

/** Of 10, as `systemd-analyze security` counts: below 2 it says OK. Node's compiler needs writable and executable memory. */
const MAX_EXPOSURE = 1.5

const COMMANDS = { supernode, dfdaemon }

/** What makes a unit harmless, whatever the program in it does. */
const HARDENING = {
  User: 'damselfly',
  UMask: '0077',
  StateDirectoryMode: '0700',
  Restart: 'always',
  LimitCORE: '0',
  NoNewPrivileges: 'yes',
  CapabilityBoundingSet: '',
  AmbientCapabilities: '',
  ProtectSystem: 'strict',
  ProtectHome: 'yes',
  PrivateTmp: 'yes',
  PrivateDevices: 'yes',
  RestrictNamespaces: 'yes',
  RestrictSUIDSGID: 'yes',
  SystemCallArchitectures: 'native',
}

describe.each(UNIT_PROGRAMS)('the unit of %s', program => {
  const unit = readUnit(program)

  test('runs without root, capabilities, other directories and core dumps', () => {
    const found = Object.fromEntries(Object.keys(HARDENING).map(name => [name, unit.get(name)?.at(-1)]))
    expect(found).toEqual(HARDENING)
    expect(unit.get('SystemCallFilter')).toEqual(['@system-service', '~@privileged @resources'])
    expect(unit.get('RestrictAddressFamilies')).toEqual(['AF_INET AF_INET6 AF_UNIX AF_NETLINK'])
  })

  test('holds no secret and no setting in the environment', () => {
    expect([...unit.keys()].filter(name => /Environment|Credential/.test(name))).toEqual([])
  })

  test("gives Node's permission model what the program needs and nothing else", () => {
    const flags = execStart(program).filter(word => word.startsWith('--allow'))
    expect(flags.filter(flag => !flag.startsWith('--allow-fs-'))).toEqual(['--allow-worker', '--allow-addons'])
    const writes = flags.filter(flag => flag.startsWith('--allow-fs-write=')).map(flag => flag.split('=')[1])
    const runtime = program === 'dfdaemon' ? ['/run/damselfly'] : []
    expect(writes).toEqual([`/var/lib/damselfly/${program}`, ...runtime])
    // It leads to every file by another name: /proc/self/root.
    expect(flags).not.toContain('--allow-fs-read=/proc/self')
    expect(execStart(program)).toContain('--disable-sigusr1')
  })

  test('says only what Node and the program understand', () => {
    const words = execStart(program)
    const main = words.findIndex(word => word.endsWith('/main.js'))
    const { status, stderr } = spawnSync(process.execPath, [...words.slice(1, main), '--version'], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const known = COMMANDS[program].options.map(({ long }) => long)
    expect(words.slice(main + 1).filter(word => word.startsWith('--') && !known.includes(word))).toEqual([])
  })

  // Where systemd is not installed, the settings above are what is looked at.
  test('is one that systemd understands and finds little fault with', () => {
    const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    if (analyze('--version').error !== undefined) return expect(unit.get('ExecStart')).toHaveLength(1)
    const { stdout } = analyze('security', '--offline=true', unitPath(program))
    const exposure = Number(/exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1])
    expect(exposure).toBeLessThan(MAX_EXPOSURE)
    // Whether Node is installed there is the machine's matter.
    const complaints = analyze('verify', '--man=no', unitPath(program)).stderr.split('\n')
    return expect(complaints.filter(line => line !== '' && !line.includes('/usr/bin/node'))).toEqual([])
  })
})

test('the user of the units is made by sysusers', () => {
  const file = unitPath('supernode').replace('supernode.service', 'sysusers.d/damselfly.conf')
  expect(readFileSync(file, 'utf8')).toMatch(/^u damselfly - /m)
})
