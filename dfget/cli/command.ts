import type { Command } from 'commander'
import { createCompletionCommand } from '../../lib/completion/completion-command.ts'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DfgetConfig } from '../config.ts'
import { type CacheStreams, createCacheCommands } from './cache/cache-commands.ts'
import { EXIT_MEANINGS } from './exit-code.ts'
import { EXAMPLES } from './manual.ts'

/** What a command line asks for. */
export interface DfgetArguments {
  readonly urls: readonly string[]
  readonly config: DfgetConfig
}

/** What subcommands read and write; the parser writes help and complaints there. */
export type CommandStreams = CacheStreams

/** How a command is run. */
export interface CommandInit {
  /** What is done where no subcommand is named; with a URL that a subcommand stands for. */
  readonly download?: (url?: string) => void
  /** Ends a subcommand. */
  readonly signal?: AbortSignal
}

const DESCRIPTION =
  'Downloads files from web servers, S3 stores and registries through the swarm: blocks come from other peers and the ' +
  "supernode, and from the origin where those fail. The node's dfdaemon does it where there is one."

/** The headings of the help. */
export const HELP_GROUPS = ['What to download', 'Output', 'Origin', 'Swarm', 'Limits', 'Store', 'This run'] as const

const EPILOGUE = `
Each option is an environment variable too, --data-dir for example DFGET_DATA_DIR, and a key of the file that --config
names, dataDir. The manual page, dfget(1), lists them.

Examples:
${EXAMPLES.map(({ line }) => `  ${line}`).join('\n')}

Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}`

/** The command, which throws instead of ending the process. Its environment variables begin with `DFGET_`. */
export function createDfgetCommand(streams: CommandStreams, init: CommandInit = {}): Command {
  const { stdout, stderr } = streams
  const { download = () => {}, signal = new AbortController().signal } = init
  const command = createConfigCommand('dfget', DESCRIPTION, DfgetConfig, { plainBooleans: true, groups: HELP_GROUPS })
    .argument('[urls...]', 'what to download; several go to the directory that --output names, or to this one')
    .showHelpAfterError(false)
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .configureOutput({
      writeOut: text => void stdout.write(text),
      writeErr: text => void stderr.write(text),
      outputError: (text, write) => write(`dfget: ${oneLine(text)}; dfget --help lists the options\n`),
    })
    .action(() => download())
  const verbs = createCacheCommands({ ...streams, signal, download })
  for (const verb of [...verbs, createCompletionCommand({ stdout })]) {
    command.addCommand(verb.copyInheritedSettings(command))
  }
  return command
}

/**
 * Reads a command line. A subcommand has been run when it resolves.
 * @returns what to download; `undefined` when a subcommand was called that downloads nothing
 * @throws CommanderError for options that do not exist, and for help and version, which have been printed
 * @throws DamselflyError CONFIG_INVALID; what a subcommand throws
 */
export async function parseArguments(
  argv: readonly string[],
  streams: CommandStreams,
  { signal }: Pick<CommandInit, 'signal'> = {},
): Promise<DfgetArguments | undefined> {
  let found: DfgetArguments | undefined
  const command = createDfgetCommand(streams, {
    ...(signal && { signal }),
    download(url) {
      found = { urls: url === undefined ? command.args : [url], config: configOf(command, DfgetConfig) }
    },
  })
  await command.parseAsync(argv)
  return found
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\.$/, '')
    .replaceAll(/\s*\n\s*/g, ' ')
}
