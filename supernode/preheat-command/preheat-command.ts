import { setTimeout as wait } from 'node:timers/promises'
import { Command, InvalidArgumentError } from 'commander'
import { type ApiDefaults, type ApiOptions, addApiOptions, chooseEndpoint } from '../../lib/http/client/api-options.ts'
import { DamselflyError, isErrorCode } from '../../protocol/errors.ts'
import type { PreheatJob, PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import { createPreheatClient, type PreheatClient } from '../client/preheat-client.ts'
import { jobLines, jobsText } from './job-text.ts'
import { createPicture, type PictureStream } from './picture.ts'

/** What the command works with. */
export interface PreheatCommandInit {
  /** Where the supernode is found unless that is given. */
  readonly defaults: () => ApiDefaults
}

interface Options extends ApiOptions {
  readonly file?: readonly string[]
  readonly scope?: string
  readonly platform?: readonly string[]
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly standing?: boolean
  readonly deadline?: number
  readonly wait?: boolean
  readonly json?: boolean
}

const TIMEOUT_MS = 15_000
const POLL_MS = 500

/** `supernode preheat IMAGE` and `supernode preheat ls|show|cancel`: images and files on nodes before they are asked for. */
export function createPreheatCommand(
  { defaults }: PreheatCommandInit,
  { stdin, stdout }: { readonly stdin: AsyncIterable<Buffer>; readonly stdout: PictureStream } = process,
): Command {
  const clientOf = (options: ApiOptions) => createPreheatClient(chooseEndpoint(options, defaults()))
  const answer = (options: { readonly json?: boolean }, text: string, json: unknown) =>
    void stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : text)

  // Options behind a verb are the verb's.
  const preheat = new Command('preheat')
    .enablePositionalOptions()
    .description(
      'Spreads an image or files before they are asked for: the supernode reads them once, and nodes fetch them from each other.',
    )
    .argument('[image]', 'registry/repository:tag, or …@sha256:<64 hex digits>')
    .option('--file <url>', 'a file in the place of an image; may be repeated', gather)
    .option(
      '--scope <scope>',
      'all, supernode, supernodes, count:5, percent:25, labels:zone=a,pool=gpu or nodes:n1,n2 (default: all)',
    )
    .option(
      '--platform <platform>',
      'of an index, as linux/arm64, or all; may be repeated (default: those of the nodes)',
      gather,
    )
    .option('--username <name>', "of an account at the origin (default: the supernode's)")
    .option('--password-stdin', 'read the password of that account from standard input')
    .option('--standing', 'nodes that join later get it, too, until the job is cancelled')
    .option('--deadline <seconds>', 'after which what is not done has failed', wholeNumber)
    .option('--wait', 'show progress, and end with the job; 1 when it failed')
    .option('--json', 'print one line of JSON')
  addApiOptions(preheat, 'supernode')
  preheat.action(async (image: string | undefined) => {
    const options: Options = preheat.opts()
    const client = clientOf(options)
    const { id } = await client.start(await requestOf(image, options, stdin), limited())
    const job = options.wait === true ? await watch(client, id, options, stdout) : await client.show(id, limited())
    answer(options, options.wait === true ? '' : `${jobLines(job, Date.now()).join('\n')}\n`, job)
    if (options.wait === true) checkOutcome(job)
  })

  function add(
    usage: string,
    description: string,
    run: (client: PreheatClient, id: number, options: Options) => Promise<void>,
  ) {
    const [name = '', argument] = usage.split(' ')
    const sub = addApiOptions(new Command(name).description(description), 'supernode').option(
      '--json',
      'print one line of JSON',
    )
    if (argument !== undefined) sub.argument(argument, 'of the job', wholeNumber)
    sub.action(async () => run(clientOf(sub.opts()), sub.processedArgs[0] ?? 0, sub.opts()))
    preheat.addCommand(sub)
  }
  add('ls', 'Lists the jobs that are remembered.', async (client, _id, options) => {
    const jobs = await client.list(limited())
    answer(options, jobsText(jobs, Date.now()), jobs)
  })
  add('show <id>', 'Shows how far a job is.', async (client, id, options) => {
    const job = await client.show(id, limited())
    answer(options, `${jobLines(job, Date.now()).join('\n')}\n`, job)
  })
  add('cancel <id>', 'Ends a job. What nodes have of it stays.', async (client, id, options) => {
    await client.cancel(id, limited())
    answer(options, `preheat ${id} is cancelled\n`, { cancelled: id })
  })
  return preheat
}

/** @throws DamselflyError REQUEST_INVALID */
async function requestOf(
  image: string | undefined,
  options: Options,
  stdin: AsyncIterable<Buffer>,
): Promise<PreheatRequest> {
  const { file = [], scope, platform = [], standing, deadline, username, passwordStdin } = options
  if ((image === undefined) === (file.length === 0)) {
    throw new DamselflyError('REQUEST_INVALID', 'name either an image or, with --file, files')
  }
  if ((username === undefined) !== (passwordStdin !== true)) {
    throw new DamselflyError('REQUEST_INVALID', '--username and --password-stdin belong together')
  }
  return {
    ...(image === undefined ? { files: [...file] } : { image }),
    ...(scope !== undefined && { scope }),
    ...(platform.length > 0 && { platforms: [...platform] }),
    ...(standing === true && { standing }),
    ...(deadline !== undefined && { deadlineSeconds: deadline }),
    ...(username !== undefined && { credentials: { username, password: await firstLine(stdin) } }),
  }
}

/** On the command line everybody on the machine could read it. */
async function firstLine(stdin: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(chunk)
  const [line = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1)
  if (line === '') throw new DamselflyError('REQUEST_INVALID', 'there is no password on standard input')
  return line
}

async function watch(client: PreheatClient, id: number, { json }: Options, stdout: PictureStream): Promise<PreheatJob> {
  const picture = json === true ? undefined : createPicture(stdout)
  for (;;) {
    const job = await client.show(id, limited())
    const isSettled = job.endedAt !== null || job.state === 'standing'
    picture?.show(jobLines(job, Date.now()), isSettled)
    if (isSettled) return job
    await wait(POLL_MS)
  }
}

/** @throws DamselflyError why the job has failed */
function checkOutcome({ state, reason }: PreheatJob): void {
  if (state === 'succeeded' || state === 'standing') return
  const code = reason !== null && isErrorCode(reason.code) ? reason.code : 'UNSUPPORTED'
  throw new DamselflyError(code, `the preheat ${state === 'cancelled' ? 'was cancelled' : 'failed'}`)
}

function limited(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(TIMEOUT_MS) }
}

function gather(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number above 0.')
}
