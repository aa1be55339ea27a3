import { Command } from 'commander'
import { type ApiDefaults, type ApiOptions, addApiOptions, chooseEndpoint } from '../lib/http/client/api-options.ts'
import { printable } from '../lib/terminal/format.ts'
import { tableLines } from '../lib/terminal/table.ts'
import type { BlockedEntry } from '../protocol/messages/blocklist.ts'
import type { ListedMember } from '../protocol/messages/membership.ts'
import { createOperatorClient, type OperatorClient } from './client/operator-client.ts'

/** What the commands work with. */
export interface OperatorCommandsInit {
  /** Where the supernode is found unless that is given. */
  readonly defaults: () => ApiDefaults
}

interface Options extends ApiOptions {
  readonly json?: boolean
  readonly reason?: string
}

/** What a verb did: for people, and as one line of JSON. */
interface Outcome {
  readonly text: string
  readonly json: unknown
}

type Verb = (client: OperatorClient, ids: readonly string[], options: Options) => Promise<Outcome>

const TIMEOUT_MS = 10_000

/** `supernode node list|revoke` and `supernode block list|add|remove`: who takes part in the running supernode's swarms, and what is in them. */
export function createOperatorCommands(
  { defaults }: OperatorCommandsInit,
  { stdout }: { readonly stdout: { write(text: string): unknown } } = process,
): Command[] {
  function add(parent: Command, usage: string, description: string, verb: Verb): Command {
    const [name = '', argument] = usage.split(' ')
    const sub = addApiOptions(new Command(name).description(description), 'supernode')
    sub.option('--json', 'print one line of JSON')
    if (argument !== undefined) sub.argument(argument)
    sub.action(async () => {
      const options: Options = sub.opts()
      const client = createOperatorClient(chooseEndpoint(options, defaults()))
      const { text, json } = await verb(client, sub.args, options)
      stdout.write(options.json === true ? `${JSON.stringify(json)}\n` : text)
    })
    parent.addCommand(sub)
    return sub
  }

  const node = new Command('node').description('Shows who belongs to the cluster, and sends nodes away.')
  add(node, 'list', 'Lists the members of the cluster.', async client => {
    const members = await client.members(options())
    return { text: membersText(members), json: members }
  })
  add(
    node,
    'revoke <peers...>',
    'Ends memberships: within seconds the nodes are out of every swarm. They can join again with a new token.',
    async (client, peers) => {
      for (const peer of peers) await client.revoke(peer, options())
      return { text: linesOf(peers), json: { revoked: peers } }
    },
  )

  const block = new Command('block').description('Keeps peers out, and content from being distributed.')
  add(block, 'list', 'Lists what is blocked, since when and why.', async client => {
    const entries = await client.blocked(options())
    return { text: blockedText(entries), json: entries }
  })
  add(
    block,
    'add <ids...>',
    'Blocks peers (PeerId) or content (digest, or url:HASH as "GET /api/v1/tasks" shows it). Content is deleted on all nodes.',
    async (client, ids, { reason = '' }) => {
      for (const id of ids) await client.block(id, reason, options())
      return { text: linesOf(ids), json: { blocked: ids } }
    },
  ).option('--reason <text>', 'for people; those who are refused see it')
  add(block, 'remove <ids...>', 'Blocks them no longer.', async (client, ids) => {
    for (const id of ids) await client.unblock(id, options())
    return { text: linesOf(ids), json: { unblocked: ids } }
  })
  return [node, block]
}

function options(): { signal: AbortSignal } {
  return { signal: AbortSignal.timeout(TIMEOUT_MS) }
}

function membersText(members: readonly ListedMember[]): string {
  if (members.length === 0)
    return 'no node has joined yet; "supernode token create --role node" makes a token for that\n'
  const rows = members.map(({ id, name, joinedAt, renewedAt, linked, token }) => [
    id,
    name,
    linked ? 'linked' : 'away',
    dateOf(joinedAt),
    dateOf(renewedAt),
    token,
  ])
  return `${tableLines([['PEER', 'NAME', 'STATE', 'JOINED', 'RENEWED', 'TOKEN'], ...rows], 'left').join('\n')}\n`
}

function blockedText(entries: readonly BlockedEntry[]): string {
  if (entries.length === 0) return 'nothing is blocked\n'
  const rows = entries.map(({ id, kind, at, by, reason }) => [kind, id, dateOf(at), printable(by), printable(reason)])
  return `${tableLines([['KIND', 'ID', 'SINCE', 'BY', 'REASON'], ...rows], 'left').join('\n')}\n`
}

/** `2026-11-29 10:15:02`, in UTC. */
function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

function linesOf(ids: readonly string[]): string {
  return ids.map(id => `${id}\n`).join('')
}
