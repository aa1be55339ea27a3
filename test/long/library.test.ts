import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, inject, test } from 'vitest'
import { contentHandler, serveForTest } from '../helpers/dfget-user.ts'
import { run } from '../helpers/process.ts'
import { createScratchDirectory, type ScratchDirectory } from '../helpers/scratch-directory.ts'

const CONTENT = Buffer.alloc(3_000_000, 'what a peer downloads ')

/** An empty folder in which the package is installed, as it is published. */
async function createUserFolder(): Promise<ScratchDirectory> {
  const scratch = await createScratchDirectory()
  const installed = join(scratch.path, 'node_modules/damselfly')
  await mkdir(join(scratch.path, 'node_modules'))
  await symlink(join(inject('builtPrograms') ?? '', '..'), installed)
  return scratch
}

async function readmeSnippet(): Promise<string> {
  const readme = await readFile(new URL('../../dfget/README.md', import.meta.url), 'utf8')
  const [, snippet] = /```js\n([\s\S]+?)```/.exec(readme) ?? []
  if (snippet === undefined) throw new Error('the README of dfget shows no program')
  return snippet
}

test('the program in the README runs with the package as it is published', async () => {
  const server = await serveForTest(contentHandler(CONTENT))
  await using folder = await createUserFolder()
  await writeFile(join(folder.path, 'program.mjs'), await readmeSnippet())
  const args = ['program.mjs', `${server.url}/file`, 'out.bin']
  const { stdout } = await run(process.execPath, args, { cwd: folder.path })
  expect(stdout).toMatch(/out\.bin: 3000000 bytes, sha256:[0-9a-f]{64}\nread 2999000 bytes; \{"diskBytes":/)
  expect(CONTENT.equals(await readFile(join(folder.path, 'out.bin')))).toBe(true)
})

test('its types are right for a strict compiler', async () => {
  await using folder = await createUserFolder()
  const program = `
    import { createPeer, DamselflyError, type DownloadResult } from 'damselfly'
    const peer = await createPeer({ supernode: 'http://supernode:8002', logLevel: 'warn' })
    const done: DownloadResult = await peer.download('http://host/file', 'out/', { headers: { a: 'b' } })
    for await (const piece of (await peer.open('http://host/file')).read()) done.sizeBytes === piece.length
    // @ts-expect-error: there is no such option
    await createPeer({ supernod: '' })
    export const code = (error: unknown) => (error instanceof DamselflyError ? error.code : undefined)
  `
  const file = join(folder.path, 'program.mts')
  await writeFile(file, program)
  const { ModuleKind, ScriptTarget } = ts
  const options = { strict: true, noEmit: true, module: ModuleKind.NodeNext, target: ScriptTarget.ES2024 }
  const compiled = ts.createProgram([file], {
    ...options,
    types: [],
    lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
  })
  const problems = ts.getPreEmitDiagnostics(compiled)
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
})
