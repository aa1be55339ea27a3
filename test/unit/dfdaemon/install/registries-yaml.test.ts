import { describe, expect, it } from 'vitest'
import { k3sMirrorNames, withK3sRegistries } from '../../../../dfdaemon/node/install/formats/registries-yaml.ts'
import { MIRROR } from './fixture.ts'

const PATH = '/etc/rancher/k3s/registries.yaml'
const add = (text: string, caFile?: string, registries = ['docker.io']) =>
  withK3sRegistries(text, { mirror: MIRROR, registries, caFile }, PATH)

describe('withK3sRegistries', () => {
  it.each([
    ['', `mirrors:\n  docker.io:\n    endpoint:\n      - ${MIRROR}\n`],
    ['# note\n', `# note\n\nmirrors:\n  docker.io:\n    endpoint:\n      - ${MIRROR}\n`],
    ['mirrors:\n', `mirrors:\n  docker.io:\n    endpoint:\n      - ${MIRROR}\n`],
    [
      '# top\nmirrors:\n  docker.io:\n    endpoint:\n      - "https://old" # keep\nconfigs:\n  h:\n    auth: { password: x }\n',
      `# top\nmirrors:\n  docker.io:\n    endpoint:\n      - ${MIRROR}\n      - "https://old" # keep\nconfigs:\n  h:\n    auth: { password: x }\n`,
    ],
  ])('makes of %j the text %j', (before, after) => {
    expect(add(before)).toBe(after)
    expect(add(after)).toBe(after)
  })

  it('keeps a file byte for byte that needs no change', () => {
    const text = `mirrors: {docker.io:   {endpoint: ["https://a",'${MIRROR}/']}}   # odd\n`
    expect(add(text)).toBe(text)
  })

  it('names a certificate for each registry', () => {
    const after = add('', '/ca.crt', ['a', '*'])
    expect(after).toContain('configs:\n  a:\n    tls:\n      ca_file: /ca.crt\n')
    expect(after).toContain('"*":\n    tls:')
    expect(add(after, '/ca.crt', ['a', '*'])).toBe(after)
  })

  it.each([
    ['mirrors:\n  a: [1\nb: 2\n', 3, ''],
    ['- a\n', 1, 'expected a map with "mirrors"'],
    ['a: 1\nmirrors: text\n', 2, 'expected "mirrors" to be a map'],
    ['mirrors:\n  docker.io:\n    endpoint: text\n', 3, 'expected "endpoint" to be a list'],
    ['x: &x {}\nmirrors:\n  docker.io: *x\n', 3, 'an alias stands where'],
    ['configs:\n  docker.io:\n    tls:\n      ca_file: /other\n', 4, 'there is a ca_file already'],
    ['x: *nothing\nmirrors: {}\n', 1, 'Unresolved alias'],
    ['['.repeat(20_000), 1, ''],
    ['mirrors: {}\n#\ra\n', 2, 'a carriage return ends no line here'],
    ['? !', 1, 'With stringKeys, all keys must be strings'],
    ['? '.repeat(200), 1, 'With stringKeys, all keys must be strings'],
  ])('refuses %j at line %d', (text, line, problem) => {
    expect(() => add(text, '/ca.crt')).toThrow(`${PATH} line ${line}: ${problem}`)
  })

  it.each(['x: *nothing\n', 'a: [1\n', `x: &x [1]\ny: [${'*x, '.repeat(200)}]\nz: &z [*x]\n`, '['.repeat(20_000)])(
    'an alias of nothing, or a file that is none, is told with its place: %#',
    text => {
      const names = () => k3sMirrorNames(text, PATH)
      try {
        expect(names()).toEqual([])
      } catch (error) {
        expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(`${PATH} line`) })
      }
    },
  )
})
