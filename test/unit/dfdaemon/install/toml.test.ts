import { describe, expect, it } from 'vitest'
import { readContainerdConfig, withConfigPath } from '../../../../dfdaemon/node/install/formats/containerd-config.ts'
import { withCertificates, withMirrorHost } from '../../../../dfdaemon/node/install/formats/hosts-toml.ts'
import { registryBlocks, withFirstMirror } from '../../../../dfdaemon/node/install/formats/registries-conf.ts'
import { tomlStatements } from '../../../../dfdaemon/node/install/formats/toml-statements.ts'
import { MIRROR } from './fixture.ts'

const PATH = '/etc/some.toml'
const BLOCK = `[host."${MIRROR}"]\n  capabilities = ["pull", "resolve"]\n`

describe('tomlStatements', () => {
  it('finds headers and entries, whatever is in their values', () => {
    const text = [
      '# a comment with [brackets] and "quotes',
      'version = 2 # [no.table]',
      'list = [ # "',
      '  "]", \'[\',',
      '  ["x"],',
      ']',
      'text = """',
      '[not.a.table] \\"""',
      '"""',
      "raw = '''",
      "[nor.this]'''",
      '[a . "b.c".\'d\']  # end',
      '  x.y = { k = "}" }\r',
      '[[a.list]]',
      'z=1',
    ].join('\n')
    const found = tomlStatements(text, PATH).map(({ kind, path, valueStart, end }) => [
      kind,
      path.join('|'),
      text.slice(valueStart, end),
    ])
    expect(found).toEqual([
      ['entry', 'version', '2'],
      ['entry', 'list', '[ # "\n  "]", \'[\',\n  ["x"],\n]'],
      ['entry', 'text', '"""\n[not.a.table] \\"""\n"""'],
      ['entry', 'raw', "'''\n[nor.this]'''"],
      ['table', 'a|b.c|d', ''],
      ['entry', 'a|b.c|d|x|y', '{ k = "}" }'],
      ['table-array', 'a|list', ''],
      ['entry', 'a|list|z', '1'],
    ])
  })

  it.each([
    ['a = 1\nb = "x\n', 2, 'a string does not end'],
    ['a = 1\nb = [1,\n', 2, 'a bracket does not match'],
    ['a = 1\n\n[t\n', 3, 'the header of a table does not end'],
    ['[t] x\n', 1, 'expected the end of the line'],
    ['a\n', 1, 'expected "="'],
    ['a =\nb = 2', 1, 'expected a value'],
    ['= 1', 1, 'expected a key'],
    ['a = """x\n', 1, 'a string does not end'],
  ])('refuses %j at line %d', (text, line, problem) => {
    expect(() => tomlStatements(text, PATH)).toThrow(`${PATH} line ${line}: ${problem}`)
  })
})

describe('withMirrorHost', () => {
  const add = (text: string) => withMirrorHost(text, MIRROR, PATH)

  it.each([
    ['', BLOCK],
    ['server = "https://s"', `server = "https://s"\n\n${BLOCK}`],
    [
      'server = "https://s"\n\n# the old one\n[host."http://old"]\n  capabilities = ["pull"]\n',
      `server = "https://s"\n\n${BLOCK}\n# the old one\n[host."http://old"]\n  capabilities = ["pull"]\n`,
    ],
    ['[header]\n  x = "y"\n', `${BLOCK}\n[header]\n  x = "y"\n`],
  ])('puts the mirror in front of the hosts of %j', (before, after) => {
    expect(add(before)).toBe(after)
    expect(add(after)).toBe(after)
  })

  it('leaves a file alone that has the mirror, in whatever place and spelling', () => {
    const text = `[host."http://old"]\n[ host.'${MIRROR}/' ]\n  skip_verify = true\n`
    expect(add(text)).toBe(text)
  })

  it('refuses hosts that no table can be added to', () => {
    expect(() => add('\nhost = { "http://a" = {} }\n')).toThrow(`${PATH} line 2: hosts are not written as`)
  })
})

describe('withCertificates', () => {
  const add = (text: string) => withCertificates(text, { ca: ['ca.crt'], client: [['a.cert', 'a.key']] }, PATH)
  const both = 'ca = ["ca.crt"]\n'

  it.each([
    ['', `${both}\nclient = [["a.cert","a.key"]]\n`],
    ['[host."x"]\n', `${both}\nclient = [["a.cert","a.key"]]\n\n[host."x"]\n`],
    ['ca = "/old.crt"\nclient = []\n', 'ca = ["ca.crt", "/old.crt"]\nclient = [["a.cert","a.key"]]\n'],
    [
      'ca = ["/old.crt"] # kept\nclient = "b.pem"\n',
      'ca = ["ca.crt", "/old.crt"] # kept\nclient = [["a.cert","a.key"], "b.pem"]\n',
    ],
  ])('adds to %j', (before, after) => {
    expect(add(before)).toBe(after)
    expect(add(after)).toBe(after)
  })
})

describe('withConfigPath', () => {
  const DIRECTORY = '/etc/containerd/certs.d'
  const LINE = `config_path = "${DIRECTORY}"`
  const add = (text: string) => withConfigPath(text, DIRECTORY, PATH)
  const table = '[plugins."io.containerd.grpc.v1.cri".registry]'

  it.each([
    ['version = 2\n', `version = 2\n\n${table}\n  ${LINE}\n`],
    ['version = 3', `version = 3\n\n[plugins."io.containerd.cri.v1.images".registry]\n  ${LINE}\n`],
    [
      `version = 2\n[plugins]\n    ${table} # here\n      x = 1\n[grpc]\n`,
      `version = 2\n[plugins]\n    ${table} # here\n      ${LINE}\n      x = 1\n[grpc]\n`,
    ],
    [`version = 2\n${table}`, `version = 2\n${table}\n  ${LINE}\n`],
    [
      `version = 2\n${table}\n  config_path = "" # unset\n  [plugins."io.containerd.grpc.v1.cri".registry.mirrors]\n`,
      `version = 2\n${table}\n  ${LINE} # unset\n  [plugins."io.containerd.grpc.v1.cri".registry.mirrors]\n`,
    ],
  ])('sets the directory in %j', (before, after) => {
    expect(add(before)).toBe(after)
    expect(add(after)).toBe(after)
    expect(readContainerdConfig(after, PATH).configPath).toBe(DIRECTORY)
  })

  it.each([
    ['', 1, 'expected version = 2'],
    ['version = 1\n', 1, 'expected version = 2'],
    [
      'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\n',
      2,
      'containerd refuses config_path beside these settings',
    ],
    [
      `version = 2\n${table}\nconfigs."h".tls.ca_file = "x"\n`,
      3,
      'containerd refuses config_path beside these settings',
    ],
    ['version = 2\n[plugins]\n"io.containerd.grpc.v1.cri" = { x = 1 }\n', 3, 'expected the settings as a table'],
    ['version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nregistry.x = 1\n', 3, 'expected the settings as a table'],
  ])('refuses %j, with which containerd would not start', (text, line, problem) => {
    expect(() => add(text)).toThrow(`${PATH} line ${line}: ${problem}`)
  })
})

describe('registryBlocks', () => {
  it('finds each registry with its mirrors', () => {
    const text = [
      'unqualified-search-registries = ["docker.io"]',
      '[[registry]]',
      'prefix = "a.example"',
      'location = "b.example"',
      '  [[registry.mirror]]',
      '  location = "m"',
      '',
      '# about c',
      '[[registry]]',
      "location = 'c.example'",
      '[aliases]',
      '"x" = "y"',
    ].join('\n')
    const blocks = registryBlocks(text, PATH)
    expect(blocks.map(({ prefix }) => prefix)).toEqual(['a.example', 'c.example'])
    expect(blocks[0]?.text).toBe(
      '[[registry]]\nprefix = "a.example"\nlocation = "b.example"\n  [[registry.mirror]]\n  location = "m"\n',
    )
    expect(blocks[1]?.text).toBe("[[registry]]\nlocation = 'c.example'\n")
    expect(withFirstMirror(blocks[0]?.text ?? '', 'n', true, PATH)).toBe(
      '[[registry]]\nprefix = "a.example"\nlocation = "b.example"\n[[registry.mirror]]\nlocation = "n"\ninsecure = true\n  [[registry.mirror]]\n  location = "m"\n',
    )
  })
})
