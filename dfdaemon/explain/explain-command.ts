import { Argument, Command } from 'commander'
import { type ApiOptions, addApiOptions } from '../../lib/http/client/api-options.ts'
import { isDigest } from '../../protocol/digest.ts'
import { completeImageName, parseImageReference } from '../../protocol/image-reference.ts'
import { daemonEndpoint } from '../api-defaults.ts'
import { createDaemonClient } from '../client/daemon-client.ts'
import { explain, type Subject } from './explain.ts'
import { explanationLine, explanationText } from './explanation-text.ts'

interface ExplainOptions extends ApiOptions {
  readonly json?: boolean
}

/** `dfdaemon explain IMAGE|DIGEST`. As a subcommand of `dfdaemon` it takes the daemon's address from its settings. */
export function createExplainCommand({ stdout }: { stdout: { write(text: string): unknown } } = process): Command {
  const command = new Command('explain')
    .description(
      'Tells what was pulled of an image or a blob, where the bytes came from, and why any came from the origin.',
    )
    .addArgument(new Argument('<image|digest>', 'image such as docker.io/library/alpine:3.20, or digest of a blob'))
  addApiOptions(command, 'dfdaemon', '--daemon').option('--json', 'print one line of JSON')
  return command.action(async (text: string, { json = false, ...options }: ExplainOptions) => {
    const subject = subjectOf(text)
    const client = createDaemonClient(daemonEndpoint(command.parent ?? command, options))
    const explanation = await explain(client, subject, { signal: new AbortController().signal })
    const title = subject.kind === 'blob' ? subject.digest : completeImageName(text)
    stdout.write(json ? explanationLine(explanation, { [subject.kind]: title }) : explanationText(explanation, title))
  })
}

function subjectOf(text: string): Subject {
  if (isDigest(text)) return { kind: 'blob', digest: text }
  return { kind: 'image', image: parseImageReference(completeImageName(text)) }
}
