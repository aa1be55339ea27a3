import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ConfigSources, loadConfig } from '../../../../lib/config/load-config.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const closed = { additionalProperties: false }
const Schema = Type.Object(
  {
    http: Type.Object(
      {
        listen: Type.String({ default: '127.0.0.1:1' }),
        maxBodyBytes: Type.Integer({ default: 1024, minimum: 1, maximum: 2 ** 40 }),
        // A level below another, whose schema gives no default of its own.
        tls: Type.Object({ enabled: Type.Boolean({ default: false }) }, closed),
      },
      closed,
    ),
    ratio: Type.Number({ default: 0.5 }),
    mode: Type.Union([Type.Literal('fast'), Type.Literal('safe')], { default: 'fast' }),
    peers: Type.Array(Type.String({ minLength: 2 }), { default: ['aa'] }),
    ports: Type.Array(Type.Integer(), { default: [] }),
    labels: Type.Record(Type.String(), Type.String(), { default: {} }),
    mirrors: Type.Array(Type.Object({ host: Type.String() }, closed), { default: [] }),
    extra: Type.Optional(Type.Object({ path: Type.String() }, closed)),
  },
  closed,
)

const DEFAULTS = {
  http: { listen: '127.0.0.1:1', maxBodyBytes: 1024, tls: { enabled: false } },
  ratio: 0.5,
  mode: 'fast',
  peers: ['aa'],
  ports: [],
  labels: {},
  mirrors: [],
}

describe('loadConfig', () => {
  let scratch: ScratchDirectory
  let file: string

  beforeEach(async () => {
    scratch = await createScratchDirectory()
    file = join(scratch.path, 'config.yaml')
  })

  afterEach(() => scratch[Symbol.asyncDispose]())

  const load = (sources: ConfigSources) => loadConfig('my-agent', Schema, sources)

  function loadYaml(text: string, sources: ConfigSources = {}) {
    writeFileSync(file, text)
    return load({ ...sources, file })
  }

  /** The detail of the CONFIG_INVALID that reading throws. */
  function refusal(read: () => unknown): string | undefined {
    try {
      read()
    } catch (error) {
      if (!(error instanceof DamselflyError)) throw error
      expect(error.code).toBe('CONFIG_INVALID')
      return error.detail
    }
    throw new Error('was not refused')
  }

  it('gives the defaults, also of levels that no source names', () => {
    expect(load({})).toEqual(DEFAULTS)
    expect(loadYaml('')).toEqual(DEFAULTS)
    expect(loadYaml('# nothing here\n')).toEqual(DEFAULTS)
    expect(loadYaml('http:\n  # all commented out\n')).toEqual(DEFAULTS)
    expect(loadYaml('http: { tls: }\n')).toEqual(DEFAULTS)
  })

  it('gives a copy of the defaults each time', () => {
    load({}).peers.push('bb')
    expect(load({})).toEqual(DEFAULTS)
  })

  it('prefers flags to the environment, that to the file, and that to the defaults', () => {
    const text = 'http: { listen: "file:1" }\nratio: 1\nmode: safe\n'
    const environment = { MY_AGENT_HTTP_LISTEN: 'environment:1', MY_AGENT_RATIO: '2' }
    const flags = { 'http.listen': 'flag:1' }
    const config = loadYaml(text, { environment, flags })
    expect(config).toEqual({ ...DEFAULTS, http: { ...DEFAULTS.http, listen: 'flag:1' }, ratio: 2, mode: 'safe' })
  })

  it('does not look at a weaker source that is overridden', () => {
    expect(loadYaml('ratio: high\n', { environment: { MY_AGENT_RATIO: 'x' }, flags: { ratio: '3' } }).ratio).toBe(3)
  })

  it('reads environment variables by the words of the setting and ignores the rest', () => {
    const environment = { MY_AGENT_HTTP_MAX_BODY_BYTES: '7', MY_AGENT_HTTP_TLS_ENABLED: 'true', OTHER_RATIO: '9' }
    expect(load({ environment }).http).toEqual({ listen: '127.0.0.1:1', maxBodyBytes: 7, tls: { enabled: true } })
  })

  it('reads lists separated by commas, by the type of their items', () => {
    const environment = { MY_AGENT_PEERS: 'bb,cc,', MY_AGENT_PORTS: '1,2K' }
    expect(load({ environment })).toMatchObject({ peers: ['bb', 'cc'], ports: [1, 2000] })
    expect(load({ environment: { MY_AGENT_PEERS: '' } }).peers).toEqual([])
  })

  it('reads switches from flags with and without a value', () => {
    expect(load({ flags: { 'http.tls.enabled': true } }).http.tls.enabled).toBe(true)
    expect(load({ flags: { 'http.tls.enabled': 'false' } }).http.tls.enabled).toBe(false)
    expect(refusal(() => load({ flags: { 'http.tls.enabled': 'maybe' } }))).toBe(
      'http.tls.enabled from the command line must be boolean',
    )
  })

  it('reads records and lists of objects from the file only', () => {
    const config = loadYaml('labels: { zone: a }\nmirrors: [{ host: h }]\n', {
      environment: { MY_AGENT_LABELS: 'x', MY_AGENT_MIRRORS: 'y' },
    })
    expect(config).toMatchObject({ labels: { zone: 'a' }, mirrors: [{ host: 'h' }] })
  })

  it('leaves an optional level out unless a source names it', () => {
    expect(load({})).not.toHaveProperty('extra')
    expect(load({ environment: { MY_AGENT_EXTRA_PATH: '/x' } }).extra).toEqual({ path: '/x' })
  })

  it.each([
    ['0', null],
    ['7', 7],
    ['256MiB', 256 * 1024 ** 2],
    ['1KiB', 1024],
    ['2GiB', 2 * 1024 ** 3],
    ['1TiB', 1024 ** 4],
    ['3K', 3000],
    ['3KB', 3000],
    ['3M', 3e6],
    ['3MB', 3e6],
    ['3G', 3e9],
    ['1T', 1e12],
    ['1.5K', 1500],
    ['0.5MiB', 512 * 1024],
    ['-1', null],
  ])('reads %s the same from every source', (text, expected) => {
    const name = 'MY_AGENT_HTTP_MAX_BODY_BYTES'
    const readings = [
      () => load({ environment: { [name]: text } }),
      () => load({ flags: { 'http.maxBodyBytes': text } }),
      () => loadYaml(`http: { maxBodyBytes: ${text} }\n`),
    ]
    for (const read of readings) {
      if (expected === null) expect(refusal(read)).toMatch(/^http\.maxBodyBytes from .+ must be >= 1$/)
      else expect(read().http.maxBodyBytes).toBe(expected)
    }
  })

  it.each(['', 'x', '1 K', '1k', '1Kib', '256Mi', '1e3', '0x10', '1K2', 'NaN', 'Infinity', '--1', '1.', '.5', '1,5'])(
    'refuses "%s" as a number and names where it came from',
    text => {
      expect(refusal(() => load({ environment: { MY_AGENT_RATIO: text } }))).toBe(
        `ratio from MY_AGENT_RATIO: "${text}" is not a number`,
      )
      expect(refusal(() => load({ flags: { ratio: text } }))).toBe(
        `ratio from the command line: "${text}" is not a number`,
      )
      expect(refusal(() => loadYaml(`ratio: ${JSON.stringify(text)}\n`))).toBe(
        `ratio from ${file}: "${text}" is not a number`,
      )
    },
  )

  it('refuses a fraction where a whole number is expected', () => {
    expect(refusal(() => load({ flags: { 'http.maxBodyBytes': '1.5' } }))).toBe(
      'http.maxBodyBytes from the command line must be integer',
    )
  })

  it('refuses unknown settings with their path, before anything else', () => {
    const text = 'ratio: high\nhtpp: 1\nhttp: { listne: x, tls: { on: true } }\n'
    expect(refusal(() => loadYaml(text))).toBe(
      `${file}: unknown setting htpp, http.listne, http.tls.on; docs/configuration.md lists the settings`,
    )
    expect(refusal(() => loadYaml('http: 5\n'))).toContain('unknown setting http;')
    expect(refusal(() => loadYaml('http: [a]\n'))).toContain('unknown setting http;')
  })

  it.each(['__proto__', 'constructor', 'toString'])('takes "%s" for the unknown setting that it is', key => {
    expect(refusal(() => loadYaml(`${key}: { polluted: true }\n`))).toContain(`unknown setting ${key};`)
    expect({}).not.toHaveProperty('polluted')
  })

  it('names the setting, its source and what was expected', () => {
    expect(refusal(() => loadYaml('mode: slow\n'))).toBe(`mode from ${file} must be one of fast, safe`)
    expect(refusal(() => load({ environment: { MY_AGENT_MODE: 'slow' } }))).toBe(
      'mode from MY_AGENT_MODE must be one of fast, safe',
    )
    expect(refusal(() => loadYaml('http: { listen: 5 }\n'))).toBe(`http.listen from ${file} must be string`)
    expect(refusal(() => load({ flags: { peers: 'aa,b' } }))).toMatch(
      /^peers\.1 from the command line must not have fewer/,
    )
    expect(refusal(() => loadYaml('extra: {}\n'))).toBe('extra.path is required')
  })

  it.each([
    ['a: [1, 2', 'line 1, column 9 is not YAML: '],
    ['a: 1\n a: 2', ''],
    ['a: 1\na: 2', 'duplicate key'],
    ['? '.repeat(200), 'non string key'],
  ])('refuses malformed YAML and names the file: %j', (text, expected) => {
    const detail = refusal(() => loadYaml(text))
    expect(detail).toContain(`${file} line `)
    expect(detail).toContain(expected)
  })

  it.each(['- a\n- b\n', 'text', '5'])('refuses YAML that holds no settings: %j', text => {
    expect(refusal(() => loadYaml(text))).toBe(`${file}: expected settings as "key: value" lines`)
  })

  it('refuses a file that cannot be read', () => {
    expect(refusal(() => load({ file: join(scratch.path, 'missing.yaml') }))).toContain('ENOENT')
  })
})

it.each([
  ['password: planted: secret', 'line 1, column 11 is not YAML: '],
  ['a: 1\npassword: "planted', 'is not YAML: '],
  ['password: *planted', 'is not YAML: bad alias; quote values'],
  ['password: &planted', undefined],
  ['\tpassword: planted', 'is not YAML: '],
  ['password: "\\planted"', 'is not YAML: '],
  ['password: planted\npassword: planted', 'line 2, column 1 is not YAML: duplicate key'],
  ['{ password: planted', 'is not YAML: '],
])('a broken file is described without a word of what is in it: %j', async (text, expected) => {
  await using scratch = await createScratchDirectory()
  const file = join(scratch.path, 'broken.yaml')
  writeFileSync(file, text)
  const schema = Type.Object({ password: Type.Optional(Type.String()) }, { additionalProperties: false })
  const message = messageOf(() => loadConfig('test', schema, { file, environment: {}, flags: {} }))
  expect(message).not.toContain('planted')
  if (expected !== undefined) expect(message).toContain(expected)
})

function messageOf(work: () => unknown): string {
  try {
    work()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
