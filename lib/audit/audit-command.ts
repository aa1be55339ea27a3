import { Command, InvalidArgumentError } from 'commander'
import { DamselflyError } from '../../protocol/errors.ts'
import { type AuditRecord, parseAuditLine } from './audit-record.ts'
import { auditTable, proofText } from './audit-text.ts'
import { readAudit } from './read-audit.ts'
import { verifyAudit } from './verify-audit.ts'

/** The program whose audit log a command reads. */
export interface AuditCommandInit {
  /** Its name, `supernode`. */
  readonly program: string
  /** Where its log is. */
  readonly dataDir: () => string
}

interface AuditOptions {
  readonly last: number
  readonly verify?: boolean
  readonly json?: boolean
}

const DEFAULT_LAST = 50

/** `<program> audit`: reads the files themselves, so that it works when the program does not. */
export function createAuditCommand(
  { program, dataDir }: AuditCommandInit,
  { stdout }: { readonly stdout: { write(text: string): unknown } } = process,
): Command {
  return new Command('audit')
    .description(
      `Shows who changed something at the ${program}, or was refused; checks that no record is missing or changed.`,
    )
    .option(
      '--last <count>',
      `how many records to show, the newest (default: ${DEFAULT_LAST})`,
      parseCount,
      DEFAULT_LAST,
    )
    .option('--verify', 'check the chain of all records instead')
    .option('--json', 'print each record as one line of JSON; what --verify finds, too')
    .action(async ({ last, verify = false, json = false }: AuditOptions) => {
      if (verify) stdout.write(await proofOf(dataDir(), json))
      else {
        const records = await lastRecords(dataDir(), last)
        stdout.write(json ? records.map(record => `${JSON.stringify(record)}\n`).join('') : auditTable(records))
      }
    })
}

/** @throws DamselflyError AUDIT_BROKEN */
async function proofOf(dataDir: string, json: boolean): Promise<string> {
  const proof = await verifyAudit(readAudit(dataDir))
  const { broken, lines } = proof
  if (broken !== undefined) {
    const where = `${broken.file} line ${broken.number} ${broken.reason}`
    throw new DamselflyError('AUDIT_BROKEN', `${where}; the ${lines} records before it hang together`)
  }
  return json ? `${JSON.stringify(proof)}\n` : proofText(proof)
}

async function lastRecords(dataDir: string, count: number): Promise<AuditRecord[]> {
  let texts: string[] = []
  for await (const { text } of readAudit(dataDir)) {
    texts.push(text)
    if (texts.length > 2 * count + 1_000) texts = texts.slice(-count)
  }
  return texts
    .slice(-count)
    .map(parseAuditLine)
    .filter(record => record !== undefined)
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a number from 1 on')
}
