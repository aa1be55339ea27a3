import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'

const SECURE = { trial: 'false' }
const FORGED = `dmsl_${'a'.repeat(12)}_${'b'.repeat(48)}`

let cluster: TestCluster
let supernode: TestProgram
let dfdaemon: TestProgram

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode(SECURE)
  dfdaemon = await cluster.dfdaemon(SECURE)
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** Runs a command of a program to its end. */
async function run(program: 'supernode' | 'dfdaemon', ...args: string[]) {
  await using process = await startProcess('node', [programMain(program), ...args])
  const { code } = await process.exited
  return { code, stdout: process.stdout.text(), stderr: process.stderr.text() }
}

describe("a program's own commands", () => {
  test('ask by the socket in the data directory', async () => {
    const limits = await run('supernode', 'limits', '--data-dir', supernode.dataDir, '--egress', '5MiB', '--json')
    expect([limits.stderr, JSON.parse(limits.stdout)]).toEqual(['', { egress: 5_242_880, concurrentUploads: 32 }])
    const stored = await run('dfdaemon', 'store', 'ls', '--data-dir', dfdaemon.dataDir, '--json')
    expect(JSON.parse(stored.stdout)).toMatchObject({ tasks: [] })
    const explained = await run('dfdaemon', 'explain', `sha256:${'0'.repeat(64)}`, '--data-dir', dfdaemon.dataDir)
    expect(explained).toMatchObject({ code: 0, stderr: '' })
  })

  test('the doctor hears how its own dfdaemon is set up, not how another one is', async () => {
    const port = new URL(dfdaemon.url).host
    const own = await run('dfdaemon', 'doctor', '--data-dir', dfdaemon.dataDir, '--listen', port)
    expect(own.stdout).toMatch(/ok +dfdaemon +version \S+ answers at/)
    const other = await run('dfdaemon', 'doctor', '--mirror', dfdaemon.url)
    expect(other.stdout).toContain('tells only its owner how it is set up')
    expect(other.stdout).toContain('--token-file FILE')
  })

  test('without the socket they say how to get a token', async () => {
    const refused = await run('dfdaemon', 'store', 'ls', '--daemon', dfdaemon.url)
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /^dfdaemon: authentication required: this is for viewers and operators; .*"dfdaemon token create --role viewer".*\n$/,
    )
    const limits = await run('supernode', 'limits', '--url', supernode.url)
    expect(limits.stderr).toMatch(
      /^supernode: the supernode could not be reached: .*--token-file.*"supernode token create --role viewer".*\n$/,
    )
  })

  test('a token that nobody made is refused, and not shown', async () => {
    const file = join(dfdaemon.dataDir, 'forged')
    await writeFile(file, `${FORGED}\n`)
    await chmod(file, 0o600)
    const refused = await run('dfdaemon', 'limits', '--url', dfdaemon.url, '--token-file', file)
    expect(refused.stderr).toMatch(/^dfdaemon: authentication required/)
    expect(refused.stderr).not.toContain('bbbb')
  })

  test.each([
    ['is not there', undefined, 'the token file cannot be read: ENOENT'],
    ['holds something else', 'hunter2', 'holds no token: expected one line that begins with dmsl_'],
  ])('a token file that %s is a clear error', async (_, content, message) => {
    const file = join(dfdaemon.dataDir, `file-${content}`)
    if (content !== undefined) await writeFile(file, content)
    const refused = await run('dfdaemon', 'explain', 'alpine:3', '--token-file', file)
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(message) })
    expect(refused.stderr).not.toContain('hunter2\n')
  })
})
