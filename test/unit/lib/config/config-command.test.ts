import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { configOf, createConfigCommand, runCommand } from '../../../../lib/config/config-command.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'

const Schema = Type.Object(
  {
    http: Type.Object(
      { listenAddress: Type.String({ default: '127.0.0.1:1', description: 'where to listen' }) },
      { additionalProperties: false },
    ),
    verbose: Type.Boolean({ default: false, description: 'say more' }),
    limitBytes: Type.Integer({ default: 0, minimum: 0, description: 'how much' }),
    peers: Type.Array(Type.String(), { default: [], description: 'who' }),
    labels: Type.Record(Type.String(), Type.String(), { default: {} }),
  },
  { additionalProperties: false },
)

const DEFAULTS = { http: { listenAddress: '127.0.0.1:1' }, verbose: false, limitBytes: 0, peers: [], labels: {} }

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

async function parse(...args: string[]) {
  const command = createConfigCommand('test-agent', 'A test.', Schema)
  let config: ReturnType<typeof configOf<typeof Schema>> | undefined
  command.action(() => {
    config = configOf(command, Schema)
  })
  await command.parseAsync(['node', 'test-agent', ...args])
  return config
}

/** A program whose run fails in this way, and what it says on standard error. */
async function failingRun(thrown: unknown): Promise<string> {
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation(text => said.push(String(text)) > 0)
  const exitCode = process.exitCode
  const command = createConfigCommand('test-agent', 'A test.', Schema).action(() => {
    throw thrown
  })
  try {
    await runCommand(command, ['node', 'test-agent'])
    expect(process.exitCode).toBe(1)
  } finally {
    process.exitCode = exitCode
  }
  return said.join('')
}

describe('createConfigCommand', () => {
  it('understands the name that a setting has in a file as a flag, too', async () => {
    expect(await parse('--limitBytes', '7')).toEqual({ ...DEFAULTS, limitBytes: 7 })
    expect(await parse('--limit-bytes', '7')).toEqual({ ...DEFAULTS, limitBytes: 7 })
  })

  it('shows every setting that a flag can hold in its help', () => {
    const help = createConfigCommand('test-agent', 'A test.', Schema).helpInformation().replaceAll(/\s+/g, ' ')
    expect(help).toContain('--config <file> YAML file with settings (env: TEST_AGENT_CONFIG)')
    expect(help).toContain('Settings (each also as TEST_AGENT_…):')
    expect(help).toContain('--http-listen-address <value> where to listen (default: 127.0.0.1:1)')
    expect(help).toContain('--verbose [value] say more (default: false)')
    expect(help).toContain('--limit-bytes <value> how much (default: 0)')
    expect(help).toContain('--peers <value> who (default: none)')
    expect(help).not.toContain('--labels')
  })

  it('reads the settings from its flags', async () => {
    expect(await parse()).toEqual(DEFAULTS)
    const args = ['--http-listen-address', 'a:2', '--verbose', '--limit-bytes', '1KiB', '--peers=a,b']
    expect(await parse(...args)).toEqual({
      ...DEFAULTS,
      http: { listenAddress: 'a:2' },
      verbose: true,
      limitBytes: 1024,
      peers: ['a', 'b'],
    })
    expect((await parse('--verbose', 'false'))?.verbose).toBe(false)
  })

  it('reads the settings from the environment and from the file that a flag or the environment names', async () => {
    await using scratch = await createScratchDirectory()
    const file = join(scratch.path, 'config.yaml')
    await writeFile(file, 'labels: { zone: a }\nlimitBytes: 5\nhttp: { listenAddress: "file:1" }\n')
    vi.stubEnv('TEST_AGENT_LIMIT_BYTES', '6')
    const expected = { ...DEFAULTS, labels: { zone: 'a' }, limitBytes: 6, http: { listenAddress: 'flag:1' } }
    expect(await parse('--config', file, '--http-listen-address', 'flag:1')).toEqual(expected)
    vi.stubEnv('TEST_AGENT_CONFIG', file)
    expect(await parse('--http-listen-address', 'flag:1')).toEqual(expected)
  })

  it('knows short flags, placeholders and lists whose items hold commas', async () => {
    const schema = Type.Object({
      header: Type.Array(Type.String(), { short: '-H', placeholder: 'header', repeatable: true, default: [] }),
    })
    const read = (...args: string[]) => {
      const command = createConfigCommand('test-agent', 'A test.', schema)
      command.parse(['node', 'test-agent', ...args])
      return configOf(command, schema).header
    }
    expect(createConfigCommand('x', '', schema).helpInformation()).toContain('-H, --header <header>')
    expect(read()).toEqual([])
    expect(read('-H', 'a: 1, 2', '--header=b: 3')).toEqual(['a: 1, 2', 'b: 3'])
    vi.stubEnv('TEST_AGENT_HEADER', 'a: 1, 2\nb: 3\n')
    expect(read()).toEqual(['a: 1, 2', 'b: 3'])
    expect(read('-H', 'c: 4')).toEqual(['c: 4'])
  })

  it('has boolean flags that do not swallow an argument', () => {
    const read = (...args: string[]) => {
      const command = createConfigCommand('test-agent', 'A test.', Schema, { plainBooleans: true }).argument('[file]')
      command.parse(['node', 'test-agent', ...args])
      return { verbose: configOf(command, Schema).verbose, args: command.args }
    }
    expect(read('--verbose', 'file')).toEqual({ verbose: true, args: ['file'] })
    expect(read('file')).toEqual({ verbose: false, args: ['file'] })
    vi.stubEnv('TEST_AGENT_VERBOSE', 'true')
    expect(read('file').verbose).toBe(true)
    expect(read('--no-verbose', 'file')).toEqual({ verbose: false, args: ['file'] })
  })

  it('refuses values that the schema refuses', async () => {
    await expect(parse('--limit-bytes', 'many')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: 'limitBytes from the command line: "many" is not a number',
    })
  })
})

describe('runCommand', () => {
  it('says an expected error in one line', async () => {
    const said = await failingRun(new DamselflyError('CONFIG_INVALID', 'ratio must be number'))
    expect(said).toBe('test-agent: the configuration is invalid: ratio must be number\n')
  })

  it('keeps the stack of a bug, and takes whatever was thrown', async () => {
    expect(await failingRun(new TypeError('bug'))).toMatch(/^test-agent: TypeError: bug\n\s+at /)
    expect(await failingRun('text')).toBe('test-agent: text\n')
  })
})
