import { readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createFileOrigin } from '../../../../lib/origin/file-origin.ts'
import { asStranger } from '../../../helpers/as-stranger.ts'
import { describeOrigin, type OriginContractFixture } from '../../../helpers/origin-contract.ts'
import { createScratchDirectory } from '../../../helpers/scratch-directory.ts'

describeOrigin('a file', createFixture)

async function createFixture(): Promise<OriginContractFixture> {
  const directory = await createScratchDirectory()
  const origin = createFileOrigin()
  const sourceOf = (name: string) => ({ url: pathToFileURL(join(directory.path, name)).href, headers: {} })

  async function put(name: string, content: Buffer, mode = 0o600) {
    await writeFile(join(directory.path, `${name}.new`), content, { mode })
    await rename(join(directory.path, `${name}.new`), join(directory.path, name))
    return sourceOf(name)
  }

  return {
    origin,
    put,
    missing: sourceOf('missing'),
    async withForbidden(work) {
      const source = await put('forbidden', Buffer.from('secret'), 0o000)
      return asStranger(() => work(origin, source))
    },
    held: () => openFilesBelow(directory.path),
    takenBytes: async () => Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1]),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

async function openFilesBelow(directory: string): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map(name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter(target => target.startsWith(`${directory}/`)).length
}
