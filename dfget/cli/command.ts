import type { Command } from 'commander'
import { configOf, createConfigCommand } from '../../lib/config/config-command.ts'
import { DfgetConfig } from '../config.ts'
import { EXIT_MEANINGS } from './exit-code.ts'

/** What a command line asks for. */
export interface DfgetArguments {
  readonly urls: readonly string[]
  readonly config: DfgetConfig
}

/** Where the parser writes help and complaints. */
export interface CommandStreams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

const DESCRIPTION =
  'Downloads a file over http or https as a peer of the swarm: blocks come from other peers and the supernode, and from ' +
  'the origin where those fail.'

const EPILOGUE = `
Examples:
  dfget https://example.com/disk.img
  dfget --supernode http://supernode:8002 --digest sha256:… -O /tmp/disk.img https://example.com/disk.img
  dfget -O - https://example.com/backup.tar | tar -x
  dfget -O models/ --input-file list.txt

Exit codes:
${EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}`

/** The command, which throws instead of ending the process. Its environment variables begin with `DFGET_`. */
export function createDfgetCommand({ stdout, stderr }: CommandStreams): Command {
  return createConfigCommand('dfget', DESCRIPTION, DfgetConfig, { plainBooleans: true })
    .argument('[urls...]', 'what to download; several go to the directory that --output names, or to this one')
    .showHelpAfterError(false)
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .configureOutput({
      writeOut: text => void stdout.write(text),
      writeErr: text => void stderr.write(text),
      outputError: (text, write) => write(`dfget: ${oneLine(text)}; dfget --help lists the options\n`),
    })
}

/**
 * Reads a command line.
 * @throws CommanderError for options that do not exist, and for help and version, which have been printed
 * @throws DamselflyError CONFIG_INVALID
 */
export function parseArguments(argv: readonly string[], streams: CommandStreams): DfgetArguments {
  const command = createDfgetCommand(streams)
  command.parse(argv)
  return { urls: command.args, config: configOf(command, DfgetConfig) }
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
}
