import { Command, InvalidArgumentError, Option } from 'commander'
import { configOf } from '../../../lib/config/config-command.ts'
import { formatBytes, formatDuration, printable } from '../../../lib/terminal/format.ts'
import { parseDigest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { type LocatedTask, MAX_REPLICAS } from '../../../protocol/messages/task-api.ts'
import { digestOfSwarmUrl, swarmUrl } from '../../../protocol/swarm-url.ts'
import { isTaskId } from '../../../protocol/task.ts'
import type { TaskClient } from '../../../supernode/client/task-client.ts'
import { DfgetConfig } from '../../config.ts'
import type { ProgressStream } from '../../progress/progress-display.ts'
import { downloadRequest } from '../request/request.ts'
import { importFile } from './import-file.ts'
import { openInputFile, openInputStream } from './input-file.ts'
import { taskText } from './task-text.ts'

/** What the verbs read and write. */
export interface CacheStreams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: ProgressStream
  readonly stdin: AsyncIterable<Uint8Array>
}

export interface CacheCommandInit extends CacheStreams {
  readonly signal: AbortSignal
  /** Downloads a URL, as if it were named without a verb. */
  readonly download: (url: string) => void
}

const SETTINGS_HINT = `
--supernode (or DFGET_SUPERNODE) names the supernode; it, --json, --quiet and the other options of dfget may stand here, too.
dfget --help lists them.`

/** `dfget import|export|stat|rm`: content of the swarm that has no other origin, and who has what. */
export function createCacheCommands({ stdout, stderr, stdin, signal, download }: CacheCommandInit): Command[] {
  const importing = new Command('import')
    .description('Gives a file to the swarm: whoever knows its digest can have it from then on. Prints the digest.')
    .argument('<file>', 'the file; - is standard input')
    .addOption(
      new Option('--replicas <count>', 'how many nodes shall keep a copy, besides the supernode').argParser(countOf),
    )
    .action(async (path: string, { replicas }: { replicas?: number }) => {
      const config = settingsOf(importing)
      const tasks = await clientOf(config)
      const file = path === '-' ? await openInputStream(stdin, { signal }) : await openInputFile(path)
      try {
        const progress = config.quiet ? undefined : stderr
        const result = await importFile({ tasks, progress }, file, replicas, { signal })
        if (!config.quiet) stderr.write(`${importLine(file.name, result)}\n`)
        const { digest, sizeBytes, sentBytes, durationMs, task } = result
        const fields = {
          digest,
          sizeBytes,
          sentBytes,
          replicas: task.replicas.wanted,
          durationMs: Math.round(durationMs),
        }
        stdout.write(`${config.json ? JSON.stringify(fields) : digest}\n`)
      } finally {
        await file.close()
      }
    })

  const exporting = new Command('export')
    .description('Downloads what was imported, by its digest. Needs --output.')
    .argument('<digest>', 'the whole digest, as "dfget import" printed it')
    .action((digest: string) => {
      requireSupernode(settingsOf(exporting))
      download(swarmUrl(parseDigest(digest)))
    })

  const showing = new Command('stat')
    .description('Shows who has how much of a content.')
    .argument('<url|digest>', 'the whole digest, or a URL that you may read')
    .action(async (text: string) => {
      const config = settingsOf(showing)
      const task = await find(await clientOf(config), text, config, signal)
      stdout.write(config.json ? `${JSON.stringify(task)}\n` : taskText(task))
    })

  const removing = new Command('rm')
    .description('Deletes content from the supernode, and has nodes delete what they keep of it as replicas.')
    .argument('<url|digest>', 'the whole digest, or a URL that you may read')
    .action(async (text: string) => {
      const config = settingsOf(removing)
      const tasks = await clientOf(config)
      const { id } = await find(tasks, text, config, signal)
      await tasks.remove(id, { signal })
      stdout.write(config.json ? `${JSON.stringify({ removed: id })}\n` : `${id}\n`)
    })

  return [importing, exporting, showing, removing].map(command => command.addHelpText('after', SETTINGS_HINT))
}

/** The settings of the command above. */
function settingsOf(command: Command): DfgetConfig {
  return configOf(command.parent ?? command, DfgetConfig)
}

/** @throws DamselflyError CONFIG_INVALID */
function requireSupernode({ supernode }: Pick<DfgetConfig, 'supernode'>): string {
  if (supernode !== '') return supernode
  throw new DamselflyError('CONFIG_INVALID', 'no supernode is named; give --supernode or set DFGET_SUPERNODE')
}

async function clientOf(config: DfgetConfig): Promise<TaskClient> {
  const supernode = requireSupernode(config)
  // Loaded here: help and complaints need no HTTP client.
  const { createTaskClient } = await import('../../../supernode/client/task-client.ts')
  const { urlEndpoint } = await import('../../../lib/http/client/api-endpoint.ts')
  const { readToken } = await import('../../../lib/http/client/token-file.ts')
  return createTaskClient(urlEndpoint(supernode, config.tokenFile === '' ? undefined : readToken(config.tokenFile)))
}

/** @throws DamselflyError TASK_UNKNOWN for what the supernode does not have; what the origin of a URL says to the supernode */
async function find(tasks: TaskClient, text: string, config: DfgetConfig, signal: AbortSignal): Promise<LocatedTask> {
  const id = digestOfSwarmUrl(text) ?? text
  if (isTaskId(id)) {
    const task = await tasks.show(id, { signal })
    if (task === undefined) throw new DamselflyError('TASK_UNKNOWN', `the supernode has nothing of ${id}`)
    return task
  }
  if (!URL.canParse(text) || /^(sha256|sha512):/.test(text)) {
    throw new DamselflyError('REQUEST_INVALID', `"${printable(text)}" is neither a URL nor a whole digest`)
  }
  const { url, headers, digest } = downloadRequest(text, config).source
  try {
    return await tasks.locate({ url, headers: { ...headers }, ...(digest && { digest }) }, { signal })
  } catch (error) {
    const isUnknown = error instanceof DamselflyError && error.code === 'TASK_UNKNOWN'
    throw isUnknown ? new DamselflyError('TASK_UNKNOWN', `the supernode has nothing of ${printable(url)}`) : error
  }
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d{1,6}$/.test(text) && count <= MAX_REPLICAS) return count
  throw new InvalidArgumentError(`expected a whole number from 0 to ${MAX_REPLICAS}`)
}

function importLine(
  name: string,
  { sizeBytes, sentBytes, durationMs }: Awaited<ReturnType<typeof importFile>>,
): string {
  const how = sentBytes === sizeBytes ? `sent in ${formatDuration(durationMs)}` : 'imported before, nothing was sent'
  return `${printable(name)}: ${formatBytes(sizeBytes)}, ${how}`
}
