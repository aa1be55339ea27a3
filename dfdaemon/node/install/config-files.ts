import { DamselflyError } from '../../../protocol/errors.ts'
import type { FileSystem } from './file-system.ts'
import type { ConfigFiles } from './plan.ts'

/** What planners may see of a file system. */
export function createConfigFiles(fileSystem: Pick<FileSystem, 'read' | 'list'>): ConfigFiles {
  return {
    async text(path) {
      const file = await fileSystem.read(path)
      return file === undefined ? undefined : decode(file.bytes, path)
    },
    list: path => fileSystem.list(path),
  }
}

/** A byte order mark stays in the text, so that it is written back. */
function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `${path} is not UTF-8; nothing was changed`, { cause: error })
  }
}
