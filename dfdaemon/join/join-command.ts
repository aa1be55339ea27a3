import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { Command } from 'commander'
import { configOf } from '../../lib/config/config-command.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DfdaemonConfig } from '../config.ts'

interface JoinOptions {
  readonly token?: string
  readonly tokenFile?: string
  readonly name: string
  readonly json?: boolean
}

const TIMEOUT_MS = 30_000

const EPILOGUE = `
"supernode token create" on the supernode's machine prints the whole line. The token also says which supernode is the right one: no
other is talked to. What was joined is in the data directory; start dfdaemon after it, or again.

A token is a secret until it is used up or has expired. Other users of this machine can read a command's arguments for as long as it
runs; where that matters, put the token into a file, or "-" for standard input.`

/** `dfdaemon join URL`: makes this node a member of a cluster. */
export function createJoinCommand({
  stdout,
}: {
  readonly stdout: { write(text: string): unknown }
} = process): Command {
  const command = new Command('join')
    .description('Makes this node a member of a cluster, once and for all.')
    .argument('<url>', 'the supernode, https://HOST:PORT')
    .option('--token <token>', 'of "supernode token create"')
    .option('--token-file <file>', 'file that holds the token; - for standard input')
    .option('--name <name>', 'what the node is called in lists', hostname())
    .option('--json', 'print one line of JSON')
    .addHelpText('after', EPILOGUE)
  return command.action(async (url: string, options: JoinOptions) => {
    const { dataDir } = configOf(command.parent ?? command, DfdaemonConfig)
    const token = await tokenOf(options)
    // Out of the list of processes.
    process.title = 'dfdaemon join'
    const init = { supernode: url.replace(/\/+$/, ''), token, dataDir, name: options.name, temporary: false }
    // Loaded here: no other command needs certificates.
    const { joinCluster } = await import('../../dfget/peer/cluster/join-cluster.ts')
    const joined = await joinCluster(init, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const { supernode, peerId } = joined
    const line = options.json === true ? JSON.stringify({ supernode, peerId, dataDir }) : textOf(supernode, peerId)
    stdout.write(`${line}\n`)
  })
}

function textOf(supernode: string, peerId: string): string {
  return `joined ${supernode} as ${peerId}\nstart dfdaemon now; one that runs already has to be started again`
}

/** @throws DamselflyError CONFIG_INVALID, INPUT_FAILED */
async function tokenOf({ token, tokenFile }: JoinOptions): Promise<string> {
  if ((token === undefined) === (tokenFile === undefined)) {
    throw new DamselflyError('CONFIG_INVALID', 'give the token with either --token or --token-file')
  }
  if (token !== undefined) return token.trim()
  try {
    return (await readFile(tokenFile === '-' ? '/dev/stdin' : (tokenFile ?? ''), 'utf8')).trim()
  } catch (error) {
    throw new DamselflyError('INPUT_FAILED', `${tokenFile}: ${(error as Error).message}`, { cause: error })
  }
}
