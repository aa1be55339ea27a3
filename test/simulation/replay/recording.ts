import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from '../../../protocol/errors.ts'
import { BlockIndicesField, LabelsField } from '../../../protocol/messages/fields.ts'
import type { LoggedEvent } from '../../../supernode/control/event-log.ts'
import type { Labels } from '../../../supernode/scheduler/event.ts'

const READ: ReadonlySet<string> = new Set(['task-added', 'peer-connected', 'blocks-ready', 'join', 'have'])

/** What a supernode's event log tells of one swarm of peers. */
export interface Recording {
  readonly tasks: readonly RecordedTask[]
  readonly peers: readonly RecordedPeer[]
}

export interface RecordedTask {
  readonly id: string
  readonly blockSizeBytes: number
  readonly blocks: number
}

export interface RecordedPeer {
  readonly id: string
  readonly labels: Labels
  /** When it joined its first swarm, since the first peer did so. */
  readonly arrivesAtMs: number
  /** When it reported the last block of the last of its tasks; undefined when it never did. */
  readonly completeAtMs: number | undefined
}

/**
 * Reads an event log. Peers that joined nothing, and peers that had blocks already, are left out: the first do nothing and the
 * second would have to be simulated with what they had.
 * @throws DamselflyError CONFIG_INVALID that names the line that is not one of an event log, or says that nothing is recorded
 */
export function readRecording(text: string): Recording {
  const tasks = new Map<string, { blockSizeBytes: number; blocks: number }>()
  const labels = new Map<string, Labels>()
  const peers = new Map<string, { joinedAtMs: number; lastAtMs: number; held: Map<string, Set<number>> }>()
  const lines = text.split('\n').filter(line => line !== '')
  lines.forEach((line, index) => {
    const { atMs, event } = parsed(line, index + 1)
    if (event.type === 'task-added')
      tasks.set(event.task, tasks.get(event.task) ?? { blockSizeBytes: event.blockSizeBytes, blocks: 0 })
    else if (event.type === 'peer-connected') labels.set(event.peer, event.labels)
    else if (event.type === 'blocks-ready') {
      const task = tasks.get(event.task)
      if (task !== undefined) task.blocks = Math.max(task.blocks, event.upTo)
    } else if (event.type === 'join' && event.wants && event.have === 0) {
      const peer = peers.get(event.peer) ?? { joinedAtMs: atMs, lastAtMs: atMs, held: new Map() }
      if (!peer.held.has(event.task)) peer.held.set(event.task, new Set())
      peers.set(event.peer, peer)
    } else if (event.type === 'have') {
      const peer = peers.get(event.peer)
      const held = peer?.held.get(event.task)
      if (peer === undefined || held === undefined) return
      for (const block of event.blocks) held.add(block)
      peer.lastAtMs = atMs
    }
  })
  if (peers.size < 2) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      'the event log tells of fewer than two peers that joined a swarm with nothing',
    )
  }
  const firstMs = Math.min(...[...peers.values()].map(peer => peer.joinedAtMs))
  return {
    tasks: [...tasks].map(([id, task]) => ({ id, ...task })).filter(({ blocks }) => blocks > 0),
    peers: [...peers].map(([id, { joinedAtMs, lastAtMs, held }]) => {
      const complete = [...held].every(([task, blocks]) => blocks.size >= (tasks.get(task)?.blocks ?? 0))
      return {
        id,
        labels: labels.get(id) ?? {},
        arrivesAtMs: joinedAtMs - firstMs,
        completeAtMs: complete ? lastAtMs - firstMs : undefined,
      }
    }),
  }
}

/** The fields that are read here, of the events that have them. */
const schema = Compile(
  Type.Object({
    atMs: Type.Number(),
    event: Type.Union([
      Type.Object({ type: Type.Literal('task-added'), task: Type.String(), blockSizeBytes: Type.Number() }),
      Type.Object({ type: Type.Literal('peer-connected'), peer: Type.String(), labels: LabelsField }),
      Type.Object({ type: Type.Literal('blocks-ready'), task: Type.String(), upTo: Type.Number() }),
      Type.Object({ type: Type.Literal('join'), peer: Type.String(), task: Type.String(), have: Type.Number() }),
      Type.Object({ type: Type.Literal('have'), peer: Type.String(), task: Type.String(), blocks: BlockIndicesField }),
      Type.Object({ type: Type.Refine(Type.String(), type => !READ.has(type)) }),
    ]),
  }),
)

function parsed(line: string, number: number): LoggedEvent {
  try {
    const value: unknown = JSON.parse(line)
    if (schema.Check(value)) return value as unknown as LoggedEvent
  } catch {
    // Said below.
  }
  throw new DamselflyError('CONFIG_INVALID', `line ${number} is not one of a supernode's event log`)
}
