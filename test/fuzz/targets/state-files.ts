import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { ResolvedTag, StoredManifest } from '../../../dfdaemon/manifests/manifest-store.ts'
import { readClusterFile } from '../../../dfget/peer/cluster/cluster-file.ts'
import { createKeptTasks } from '../../../dfget/peer/replicas/kept-tasks.ts'
import { AuditLog } from '../../../lib/audit/audit-log.ts'
import { hashOfLine, parseAuditLine } from '../../../lib/audit/audit-record.ts'
import { auditTable, proofText } from '../../../lib/audit/audit-text.ts'
import { type AuditLine, readAudit } from '../../../lib/audit/read-audit.ts'
import { verifyAudit } from '../../../lib/audit/verify-audit.ts'
import { StoredTask } from '../../../lib/blocks/block-index.ts'
import { TokenStore } from '../../../lib/http/access/tokens/token-store.ts'
import { tokenTable } from '../../../lib/http/access/tokens/token-text.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { readRecord } from '../../../lib/stored-record.ts'
import { TOKEN_ROLES } from '../../../protocol/messages/token-api.ts'
import { BlockRecord } from '../../../supernode/blocklist/blocklist.ts'
import { ImportRecord } from '../../../supernode/imports/import-store.ts'
import { ExpulsionRecord } from '../../../supernode/members/expulsions.ts'
import { Member, membersToForget } from '../../../supernode/members/member.ts'
import { ContentRecord } from '../../../supernode/small/small-content-store.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { asUtf8, refusingLater } from '../engine/expected.ts'
import { jsonBytes, mutateJson } from '../engine/structure.ts'
import { type FuzzTarget, type OpenTarget, pureTarget } from '../engine/target.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const TASK = `sha256:${'0a'.repeat(32)}`
const AT = Date.UTC(2026, 0, 1)
const JSON_WORDS = ['{', '}', '[', ']', ':', ',', 'null', 'true', '1e999', '-1', '8.64e15', '"__proto__":', '"\\u0000"']
const clock = createManualClock(AT)

interface FileTargetInit {
  readonly name: string
  readonly about: string
  /** Of the file, in the data directory. */
  readonly file: string
  readonly seeds: readonly unknown[]
  readonly read: (dataDir: string) => Promise<void>
}

/** A JSON file of a data directory. */
function fileTarget({ name, about, file, seeds, read }: FileTargetInit): FuzzTarget {
  return {
    name,
    about,
    maxBytes: 8192,
    dictionary: JSON_WORDS,
    seeds: () => seeds.map(jsonBytes),
    mutate: mutateJson,
    open: () => inScratch(file, read),
  }
}

async function inScratch(file: string, read: (dataDir: string) => Promise<void>): Promise<OpenTarget> {
  const scratch = await createScratchDirectory('/dev/shm')
  const path = join(scratch.path, file)
  return {
    run(input) {
      writeFileSync(path, input, { mode: 0o600 })
      return read(scratch.path)
    },
    close: () => scratch[Symbol.asyncDispose](),
  }
}

const storedToken = {
  id: '0a'.repeat(6),
  role: 'node',
  createdAt: AT,
  expiresAt: null,
  usesLeft: 3,
  comment: 'for the racks',
  sha256: '0b'.repeat(32),
}

const tokens = fileTarget({
  name: 'tokens-file',
  about: 'tokens.json of a data directory',
  file: 'tokens.json',
  seeds: [
    { version: 1, tokens: [storedToken, { ...storedToken, id: '0c'.repeat(6), role: 'viewer', expiresAt: AT + 1 }] },
    { version: 1, tokens: [] },
  ],
  async read(dataDir) {
    const store = new TokenStore({ clock }, { dataDir, roles: TOKEN_ROLES })
    if ((await refusingLater(['CONFIG_INVALID'], () => started(store))) === undefined) return
    tokenTable(store.list(), AT)
    // Nobody knows the secret of a hash.
    for (const { id } of store.list()) assert.equal(store.find(`dmsl_${id}_${'0d'.repeat(24)}`), undefined)
    await store.stop()
  },
})

const cluster = fileTarget({
  name: 'cluster-file',
  about: 'cluster.json of a data directory',
  file: 'cluster.json',
  seeds: [{ supernode: 'https://s:8002', clusterKey: 'k', peerId: PEER, credential: 'AAAA', expiresAt: AT }],
  async read(dataDir) {
    const joined = await refusingLater(['CONFIG_INVALID'], () => readClusterFile(dataDir))
    if (joined !== undefined) assert(Number.isInteger(joined.expiresAt))
  },
})

const replicas = fileTarget({
  name: 'replicas-file',
  about: 'replicas.json of a data directory',
  file: 'replicas.json',
  seeds: [[{ task: TASK, pinnedBefore: true }], []],
  async read(dataDir) {
    const kept = createKeptTasks({ dataDir })
    await refusingLater(['STORE_FAILED', 'CONFIG_INVALID'], () => kept.start())
    for (const { pinnedBefore } of kept.all().values()) assert.equal(typeof pinnedBefore, 'boolean')
    await kept.stop()
  },
})

const KINDS: readonly { readonly schema: TSchema; readonly sample: unknown }[] = [
  { schema: Member, sample: { name: 'n1', token: '0a', temporary: true, joinedAt: AT, renewedAt: AT } },
  { schema: ExpulsionRecord, sample: AT },
  { schema: BlockRecord, sample: { reason: 'why', by: 'operator', at: AT } },
  { schema: ImportRecord, sample: { replicas: 2, importedAt: AT } },
  { schema: ContentRecord, sample: { sizeBytes: 5, digest: TASK, order: 1, contentType: 'text/plain' } },
  { schema: ResolvedTag, sample: { digest: TASK, resolvedAt: AT } },
  { schema: StoredManifest, sample: { mediaType: 'a/b', usedAt: AT, sizeBytes: 5 } },
  { schema: StoredTask, sample: { blockSizeBytes: 1024, complete: true, usedAt: AT, pinned: false, epoch: 3 } },
]
const forms = KINDS.map(({ schema }) => Compile(schema))
const memberForm = Compile(Member)

const records = pureTarget(
  {
    name: 'stored-records',
    about: 'records of members, expulsions, blocklist, imports, small contents, manifests and tasks in databases',
    maxBytes: 2048,
    dictionary: JSON_WORDS,
    seeds: () => KINDS.map(({ sample }) => jsonBytes(sample)),
    mutate: mutateJson,
  },
  input => {
    for (const form of forms) {
      const value = readRecord(form, input)
      if (value === undefined) continue
      // What was taken is written and read again as it is.
      assert.deepEqual(jsonBytes(readRecord(form, jsonBytes(value))), jsonBytes(value))
    }
    const member = readRecord(memberForm, input)
    if (member === undefined) return
    new Date(member.joinedAt).toISOString()
    membersToForget(new Map([[PEER, member]]), AT, { lifetimeMs: 1, forgetMs: 2 })
  },
)

/** Lines of a log that hang together. */
function auditLines(count: number): string {
  let previous = '0'.repeat(64)
  let text = ''
  for (let at = 0; at < count; at++) {
    const who = { kind: 'token', id: '0a'.repeat(6), address: '10.0.0.1' }
    const outcome = at % 2 === 0 ? { status: 204 } : { status: 403, code: 'DENIED' }
    const line = JSON.stringify({
      time: new Date(AT + at).toISOString(),
      program: 'supernode',
      who,
      action: 'PUT /api/v1/limits',
      target: '',
      outcome,
      previous,
    })
    previous = hashOfLine(line)
    text += `${line}\n`
  }
  return text
}

const AUDIT = {
  maxBytes: 8192,
  dictionary: [...JSON_WORDS, '\n', '\r', '0'.repeat(64), '2026-01-01T00:00:00Z', '\u001b[2J'],
  seeds: () => [1, 2, 5].map(count => Buffer.from(auditLines(count))),
  mutate: (random: Parameters<typeof mutateJson>[0], input: Uint8Array) => {
    const lines = asUtf8(input).split('\n')
    const at = random.value % lines.length
    const line = mutateJson(random, Buffer.from(lines[at] ?? ''))
    return line && Buffer.from(lines.with(at, asUtf8(line)).join('\n'))
  },
}

async function* linesOf(text: string): AsyncGenerator<AuditLine> {
  for (const [at, line] of text.split('\n').slice(0, -1).entries())
    yield { file: 'audit.log', number: at + 1, text: line }
}

const auditLog = pureTarget(
  { name: 'audit-lines', about: 'lines of an audit log: what is shown of them, and their chain', ...AUDIT },
  async input => {
    const text = asUtf8(input)
    const lines = text.split('\n').slice(0, -1)
    const read = lines.flatMap(line => parseAuditLine(line) ?? [])
    assert.doesNotMatch(auditTable(read), ESCAPE)
    const proof = await verifyAudit(linesOf(text))
    proofText(proof)
    assert(proof.lines <= lines.length && proof.cutOff <= proof.lines)
    if (proof.broken === undefined) assert.equal(proof.lines, lines.length)
    else assert(proof.broken.number >= 1 && proof.broken.number <= lines.length)
    // A line that is taken out or changed shows, but for the last, which nothing follows, and the first, before which may be others.
    if (proof.broken !== undefined || read.length !== lines.length || lines.length < 3) return
    const without = lines.filter((_, at) => at !== 1)
    assert((await verifyAudit(linesOf(`${without.join('\n')}\n`))).broken !== undefined)
  },
)

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const ESCAPE = /[\u0000-\u0009\u000b-\u001f\u007f]/

const auditFile: FuzzTarget = {
  name: 'audit-file',
  about: 'an audit.log that is there when a program starts: the chain goes on with it',
  ...AUDIT,
  open: () =>
    inScratch('audit.log', async dataDir => {
      const metrics = { auditRecords: { inc() {} } }
      const components = { clock, logger: silentLogger(), metrics: metrics as never }
      const log = new AuditLog(components, { program: 'supernode', dataDir })
      await log.start()
      await log.stop()
      const lines: string[] = []
      for await (const { text } of readAudit(dataDir)) lines.push(text)
      const last = parseAuditLine(lines.at(-1) ?? '')
      const before = lines.at(-2)
      assert.equal(last?.action, 'log opened')
      // Lines are decoded as text, which not all bytes survive.
      if (before === undefined) assert.equal(last?.previous, '0'.repeat(64))
      else if (!before.includes('\ufffd')) assert.equal(last?.previous, hashOfLine(before))
    }),
}

/** What programs keep in their data directories, which may be damaged. */
export const STATE_FILE_TARGETS: readonly FuzzTarget[] = [tokens, cluster, replicas, records, auditLog, auditFile]

async function started(store: TokenStore): Promise<TokenStore> {
  await store.start()
  return store
}
