import { Command } from 'commander'
import { type ApiOptions, addApiOptions } from '../../lib/http/client/api-options.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import { daemonEndpoint } from '../api-defaults.ts'
import { createStoreClient, type StoreClient } from '../client/store-client.ts'
import { findTask } from './find-task.ts'
import { storeText } from './store-text.ts'

interface StoreOptions extends ApiOptions {
  readonly json?: boolean
}

/** What a verb did: for people, and as one line of JSON. */
interface Outcome {
  readonly text: string
  readonly json: object
}

type Verb = (store: StoreClient, tasks: readonly string[]) => Promise<Outcome>

/** `dfdaemon store …`: looks after what the running dfdaemon has stored. */
export function createStoreCommand({ stdout }: { stdout: { write(text: string): unknown } } = process): Command {
  const command = new Command('store').description('Shows and looks after what the running dfdaemon has stored.')
  const add = (usage: string, description: string, verb: Verb) => {
    const sub = new Command(usage.split(' ')[0] ?? usage).description(description)
    addApiOptions(sub, 'dfdaemon', '--daemon').option('--json', 'print one line of JSON')
    const [, argument] = usage.split(' ')
    if (argument !== undefined) sub.argument(argument, 'digest, as "store ls" shows it, or the beginning of one')
    sub.action(async () => {
      const { json = false, ...options }: StoreOptions = sub.opts()
      const outcome = await verb(createStoreClient(daemonEndpoint(command.parent ?? command, options)), sub.args)
      stdout.write(json ? `${JSON.stringify(outcome.json)}\n` : outcome.text)
    })
    command.addCommand(sub)
  }
  add('ls', 'Lists what is stored, and how much room is left.', list)
  add('rm <tasks...>', 'Deletes stored content; what is in use goes when it is not any more.', remove)
  add('pin <tasks...>', 'Keeps stored content when room is needed.', (store, tasks) => pin(store, tasks, true))
  add('unpin <tasks...>', 'Lets stored content go when room is needed.', (store, tasks) => pin(store, tasks, false))
  add('verify [tasks...]', 'Hashes stored content, all by default; what is wrong is dropped and fetched anew.', verify)
  add('gc', 'Makes room now: deletes what lies above the watermarks, longest unused first.', collect)
  return command
}

async function list(store: StoreClient): Promise<Outcome> {
  const status = await store.status()
  return { text: storeText(status, Date.now()), json: status }
}

async function remove(store: StoreClient, texts: readonly string[]): Promise<Outcome> {
  const tasks = await meant(store, texts)
  for (const task of tasks) await store.remove(task)
  return { text: linesOf(tasks), json: { removed: tasks } }
}

async function pin(store: StoreClient, texts: readonly string[], pinned: boolean): Promise<Outcome> {
  const tasks = await meant(store, texts)
  for (const task of tasks) await store.pin(task, pinned)
  return { text: linesOf(tasks), json: { [pinned ? 'pinned' : 'unpinned']: tasks } }
}

/** @throws DamselflyError CONTENT_CORRUPT when something was wrong, after all is verified */
async function verify(store: StoreClient, texts: readonly string[]): Promise<Outcome> {
  const status = await store.status()
  const tasks = texts.length === 0 ? status.tasks.map(({ id }) => id) : texts.map(text => findTask(status, text))
  const damaged: Record<string, number[]> = {}
  for (const task of tasks) {
    const { damagedBlocks } = await store.verify(task)
    if (damagedBlocks.length > 0) damaged[task] = damagedBlocks
  }
  const wrong = Object.entries(damaged).map(([task, blocks]) => `${task}: ${blocks.length} blocks were wrong`)
  if (wrong.length > 0) {
    throw new DamselflyError(
      'CONTENT_CORRUPT',
      `${wrong.join('; ')}; they are dropped, and the next pull fetches them anew`,
    )
  }
  return { text: `${tasks.length} verified, nothing wrong\n`, json: { verified: tasks.length, damaged } }
}

async function collect(store: StoreClient): Promise<Outcome> {
  const { removed } = await store.gc()
  return { text: removed.length === 0 ? 'nothing to delete\n' : linesOf(removed), json: { removed } }
}

async function meant(store: StoreClient, texts: readonly string[]): Promise<TaskId[]> {
  const status = await store.status()
  return texts.map(text => findTask(status, text))
}

function linesOf(tasks: readonly string[]): string {
  return tasks.map(task => `${task}\n`).join('')
}
