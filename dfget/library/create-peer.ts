import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { findSharingWay } from '../../lib/blocks/share-file.ts'
import { createLogger } from '../../lib/logger.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { ShareContent } from '../cli/contents/contents.ts'
import { Download } from '../cli/download.ts'
import { openFileOutput } from '../cli/output/file-output.ts'
import { NewNames } from '../cli/output/new-names.ts'
import { type DownloadRequest, downloadRequest } from '../cli/request/request.ts'
import { createDfget } from '../create-dfget.ts'
import { clearDataDirectory, type DataDirectory } from '../data-directory.ts'
import type { ContentOptions, Peer, PeerOptions } from './peer.ts'
import { peerSettings } from './peer-settings.ts'

/**
 * Makes a peer, which takes part in the swarm from its start to its stop.
 * @throws DamselflyError CONFIG_INVALID, STORE_FAILED for an unsuitable data directory
 */
export async function createPeer(options: PeerOptions = {}): Promise<Peer> {
  const settings = peerSettings(options)
  const dataDirectory = directoryOf(options)
  const { peer, start, stop } = await createDfget(settings, dataDirectory, createLogger('damselfly', settings.logLevel))

  async function end(): Promise<void> {
    await stop()
    await clearDataDirectory(dataDirectory, { complete: true, storedBytes: 0 })
  }

  async function sharingInto(directory: string): Promise<ShareContent | undefined> {
    const way = await findSharingWay(dataDirectory.path, directory, ['reflink'])
    return way && ((task, file) => peer.stored.share(task, file, way))
  }

  return {
    peerId: peer.peerId,
    addresses: () => peer.addresses(),
    start,
    stop: end,
    [Symbol.asyncDispose]: end,
    async open(url, contentOptions = {}) {
      const { signal = neverAborted() } = contentOptions
      const content = await peer.open(requestOf(url, contentOptions).source, { signal })
      const { sizeBytes, contentType, account } = content
      return {
        sizeBytes,
        contentType,
        account,
        read({ start: first = 0, end: last, signal: readSignal = signal } = {}) {
          return content.read({ start: first, end: last }, { signal: readSignal })
        },
      }
    },
    async download(url, target, { overwrite = false, ...contentOptions } = {}) {
      const { signal = neverAborted() } = contentOptions
      const request = requestOf(url, contentOptions)
      const names = new NewNames()
      const { suggestedName } = request
      const output = await openFileOutput({ names }, { output: target, suggestedName, overwrite })
      if (output?.path === undefined) throw new DamselflyError('INTERNAL', 'a file output has no file')
      const { path } = output
      try {
        const sharing = () => sharingInto(dirname(path))
        const download = new Download({ contents: peer, output, sharing }, request)
        const digest = await download.run({ signal })
        await output.finish()
        await names.sync()
        return { path, sizeBytes: download.doneBytes, digest, account: download.account }
      } finally {
        await output.discard()
      }
    },
  }
}

function directoryOf({ dataDir }: PeerOptions): DataDirectory {
  if (dataDir !== undefined) return { path: resolve(dataDir), kept: 'always' }
  return { path: join(tmpdir(), `damselfly-peer-${randomUUID()}`), kept: 'never' }
}

function requestOf(url: string, { digest, headers = {} }: ContentOptions): DownloadRequest {
  // Programs get URLs from elsewhere, and none of those may name a file of this machine.
  if (/^file:/i.test(url)) throw new DamselflyError('REQUEST_INVALID', 'a peer reads no file:// URLs')
  const header = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return downloadRequest(url, { header, ...(digest === undefined ? {} : { digest }) })
}

function neverAborted(): AbortSignal {
  return new AbortController().signal
}
