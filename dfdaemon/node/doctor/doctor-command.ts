import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { configOf } from '../../../lib/config/config-command.ts'
import { loadConfig } from '../../../lib/config/load-config.ts'
import { chooseEndpoint } from '../../../lib/http/client/api-options.ts'
import { VERSION } from '../../../lib/version.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { completeImageName, parseImageReference } from '../../../protocol/image-reference.ts'
import { apiDefaults } from '../../api-defaults.ts'
import { DfdaemonConfig } from '../../config.ts'
import { installRequest } from '../install/install-request.ts'
import { RUNTIMES, type RuntimeName } from '../install/plan.ts'
import { createRootedFileSystem } from '../install/rooted-file-system.ts'
import { commandsFor } from './commands.ts'
import { type ExamineInit, examine } from './examine.ts'
import { type Finding, fail, ok } from './finding.ts'
import { hasFailed, reportLine, reportText } from './report.ts'

/** Where the command prints, and how it ends. */
export interface DoctorSurroundings {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  readonly environment: NodeJS.ProcessEnv
  /** Ends the program, although a probe that was given up may still hang in the system. */
  exit(code: number): void
}

interface DoctorOptions {
  readonly image?: string
  readonly runtime?: readonly RuntimeName[]
  readonly registry?: readonly string[]
  readonly mirror?: string
  readonly root: string
  readonly tokenFile?: string
  readonly json?: boolean
}

const EXIT = { ok: 0, failed: 1, usage: 2 } as const

const EPILOGUE = `
A clock that is more than 5 s off the supernode's is a warning, more than 60 s a failure. Less than 10 % of the disk free, or a
disk under 5 GiB, is a warning, less than 256 MiB free a failure. No probe takes longer than 3 s, a test pull 60 s.

Exit codes: 0 nothing failed (there may be warnings), 1 a check failed, 2 wrong usage.`

const PROCESS: DoctorSurroundings = {
  stdout: process.stdout,
  environment: process.env,
  exit: code => process.exit(code),
}

/** `dfdaemon doctor`. As a subcommand of `dfdaemon` it takes the daemon's settings from there. */
export function createDoctorCommand(surroundings: DoctorSurroundings = PROCESS): Command {
  const command = new Command('doctor')
    .description(
      'Looks for what keeps this node from pulling through the swarm, and says how to mend it. Changes nothing.',
    )
    .option('--image <image>', 'pull the smallest blob of this image that is not here, to see where it comes from')
    .addOption(new Option('--runtime <runtime...>', 'runtimes to look at (default: those found)').choices(RUNTIMES))
    .option('--registry <host...>', 'registries that must be mirrored (default: any)')
    .option('--mirror <url>', 'the dfdaemon as its node reaches it (default: where it listens)')
    .option('--token-file <file>', 'file with a token for the dfdaemon, which its owner needs not')
    .option('--root <dir>', "directory that the runtimes' files are below", '/')
    .option('--json', 'print one line for programs')
    .addHelpText('after', EPILOGUE)
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.ok : EXIT.usage))
  return command.action(async (options: DoctorOptions) => {
    const { stdout, environment, exit } = surroundings
    const findings = await diagnose(command, options)
    stdout.write(options.json === true ? reportLine(findings) : reportText(findings, shapeOf(stdout, environment)))
    exit(hasFailed(findings) ? EXIT.failed : EXIT.ok)
  })
}

async function diagnose(command: Command, options: DoctorOptions): Promise<Finding[]> {
  const image = options.image === undefined ? undefined : imageOf(command, options.image)
  const { file, config, finding } = readConfiguration(command)
  const init = await initOf(options, config, file).catch((error: unknown) => usageError(command, error))
  return [finding, ...(await examine({ ...init, image }))]
}

function imageOf(command: Command, text: string): ExamineInit['image'] {
  try {
    const name = completeImageName(text)
    return { name, reference: parseImageReference(name) }
  } catch (error) {
    return usageError(command, error)
  }
}

/** With a broken configuration the defaults serve, so that the rest can be looked at all the same. */
function readConfiguration(command: Command) {
  const { parent } = command
  const file = parent?.opts<{ config?: string }>().config
  const source = file ?? 'environment and flags (no file is given)'
  try {
    const config =
      parent === null
        ? loadConfig('dfdaemon', DfdaemonConfig, { environment: process.env })
        : configOf(parent, DfdaemonConfig)
    return { file, config, finding: ok('configuration', `${source}: valid`) }
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error
    const what = `${error.detail ?? error.message}; the rest is about the defaults`
    const mend = file === undefined ? 'dfdaemon --help   # lists the settings' : `"\${EDITOR:-vi}" ${file}`
    return { file, config: loadConfig('dfdaemon', DfdaemonConfig, {}), finding: fail('configuration', what, mend) }
  }
}

async function initOf(options: DoctorOptions, config: DfdaemonConfig, file: string | undefined): Promise<ExamineInit> {
  const { mirror, registry, runtime = [], root, tokenFile } = options
  const defaults = loadConfig('dfdaemon', DfdaemonConfig, {})
  const given = {
    supernode: config.supernode,
    dataDir: config.dataDir === defaults.dataDir ? '' : resolve(config.dataDir),
  }
  const request = await installRequest({ mirror, registry, editContainerdConfig: true }, config)
  const asked = { ...(mirror === undefined ? {} : { url: mirror }), ...(tokenFile === undefined ? {} : { tokenFile }) }
  return {
    config,
    given,
    request,
    api: chooseEndpoint(asked, { ...apiDefaults(config, '--url'), url: () => request.mirror }),
    fileSystem: createRootedFileSystem(resolve(root)),
    root: resolve(root),
    runtimes: [...new Set(runtime)],
    image: undefined,
    commands: commandsFor({
      ...given,
      configFile: file,
      listen: config.listen === defaults.listen ? undefined : config.listen,
      mirror,
      root,
      registries: registry ?? [],
    }),
    version: VERSION,
    userId: process.getuid?.() ?? 0,
  }
}

function usageError(command: Command, error: unknown): never {
  if (error instanceof DamselflyError) command.error(`error: ${error.detail ?? error.message}`)
  throw error
}

function shapeOf(stdout: DoctorSurroundings['stdout'], environment: NodeJS.ProcessEnv) {
  const isTerminal = stdout.isTTY === true
  return {
    colour: isTerminal && (environment.NO_COLOR ?? '') === '',
    columns: isTerminal ? stdout.columns || 80 : Number.POSITIVE_INFINITY,
  }
}
