import { Command, InvalidArgumentError, Option } from 'commander'
import type { ErrorCode } from '../../../../protocol/errors.ts'
import type { TokenRole } from '../../../../protocol/messages/token-api.ts'
import { type ApiDefaults, type ApiOptions, addApiOptions, chooseEndpoint } from '../../client/api-options.ts'
import { parseExpiry } from './parse-expiry.ts'
import { createTokenClient, type TokenClient } from './token-client.ts'
import { madeTokenLine, madeTokenNote, tokenTable } from './token-text.ts'

/** The program whose tokens a command is for. */
export interface TokenCommandInit {
  /** Its name, `supernode`. */
  readonly program: string
  /** That its tokens can have. */
  readonly roles: readonly TokenRole[]
  /** Where it is found unless that is given. */
  readonly defaults: () => ApiDefaults
  /** The error when it does not answer. */
  readonly unreachable: ErrorCode
}

/** Where the command prints. Secrets go to `stdout` only. */
export interface TokenCommandOutput {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

interface CreateOptions extends ApiOptions {
  readonly role: TokenRole
  readonly expires?: string
  readonly uses?: number
  readonly comment?: string
  readonly json?: boolean
}

/** `<program> token create|list|revoke`. */
export function createTokenCommand(init: TokenCommandInit, output: TokenCommandOutput = process): Command {
  const { program, roles, defaults, unreachable } = init
  const { stdout, stderr } = output
  const command = new Command('token').description(`Makes, lists and takes back tokens for the running ${program}.`)
  const clientFor = (options: ApiOptions): TokenClient =>
    createTokenClient(chooseEndpoint(options, defaults()), unreachable)

  const create = new Command('create')
    .description('Makes a token, and prints it this once.')
    .addOption(new Option('--role <role>', 'what its holder may do').choices(roles).makeOptionMandatory())
    .option('--expires <time>', `when it is over: 30m, 24h, 90d or never (default: ${defaultExpiry(roles)})`)
    .option('--comment <text>', 'what it is for, for the list')
  if (roles.includes('node')) {
    create.option('--uses <count>', 'how many nodes may join with it, 0 for any number (default: 1)', parseUses)
  }
  addApiOptions(create, program).option('--json', 'print one line of JSON')
  create.action(async ({ role, expires, uses, comment, json = false, ...options }: CreateOptions) => {
    const made = await clientFor(options).create({
      role,
      ...(expires === undefined ? {} : { expiresInSeconds: parseExpiry(expires) }),
      ...(uses === undefined ? {} : { uses }),
      ...(comment === undefined ? {} : { comment }),
    })
    stdout.write(json ? `${JSON.stringify(made)}\n` : madeTokenLine(made))
    if (!json) stderr.write(madeTokenNote(made, Date.now()))
  })

  const list = addApiOptions(new Command('list').description('Lists tokens, without their secrets.'), program)
    .option('--json', 'print one line of JSON')
    .action(async ({ json = false, ...options }: ApiOptions & { json?: boolean }) => {
      const tokens = await clientFor(options).list()
      stdout.write(json ? `${JSON.stringify(tokens)}\n` : tokenTable(tokens, Date.now()))
    })

  const revoke = addApiOptions(
    new Command('revoke').description('Takes tokens back, at once.').argument('<ids...>', 'as "token list" shows them'),
    program,
  )
    .option('--json', 'print one line of JSON')
    .action(async (ids: string[], { json = false, ...options }: ApiOptions & { json?: boolean }) => {
      const client = clientFor(options)
      for (const id of ids) await client.revoke(id)
      stdout.write(json ? `${JSON.stringify({ revoked: ids })}\n` : ids.map(id => `${id}\n`).join(''))
    })

  return command.addCommand(create).addCommand(list).addCommand(revoke)
}

function defaultExpiry(roles: readonly TokenRole[]): string {
  return roles.includes('node') ? '24h for the role node, else 90d' : '90d'
}

function parseUses(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a number, 0 for any number')
}
