import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Argument, Command, Option } from 'commander'
import { configOf } from '../../../lib/config/config-command.ts'
import { loadConfig } from '../../../lib/config/load-config.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { DfdaemonConfig } from '../../config.ts'
import type { FileSystem } from './file-system.ts'
import { install } from './install.ts'
import { type InstallOptions, installRequest } from './install-request.ts'
import { RUNTIMES, type RuntimeName } from './plan.ts'
import { reportLine, reportText } from './report.ts'
import { createRootedFileSystem } from './rooted-file-system.ts'
import { installedRuntimes, type OnChanged, type Restoration, type UninstallReport, uninstall } from './uninstall.ts'

/** Where the commands print. */
export interface InstallStreams {
  readonly stdout: { write(text: string): unknown }
}

interface CommonOptions {
  readonly root: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

interface UninstallOptions {
  readonly force?: boolean
  readonly keep?: boolean
}

/** `dfdaemon install RUNTIME`. As a subcommand of `dfdaemon` it takes the daemon's settings from there. */
export function createInstallCommand({ stdout }: InstallStreams = process): Command {
  const command = new Command('install')
    .description(
      'Makes a container runtime pull through the dfdaemon. Keeps what is configured; uninstall puts it back.',
    )
    .addArgument(new Argument('<runtime>', 'the runtime to configure').choices(RUNTIMES))
    .option('--mirror <url>', 'the dfdaemon as its node reaches it (default: where it listens)')
    .addOption(
      new Option(
        '--registry <host>',
        'registry to mirror, may be repeated (default: all that the runtime can)',
      ).argParser((host: string, before: string[] = []) => [...before, host]),
    )
    .option('--ca <file>', 'PEM file with a certificate that the runtime shall trust for these registries')
    .option('--edit-containerd-config', "set config_path in containerd's config.toml where it is missing")
  return withCommonOptions(command).action(async (runtime: RuntimeName, options: CommonOptions & InstallOptions) => {
    const { root, dryRun = false, json = false } = options
    const request = await installRequest(options, configFor(command))
    const report = await install({ fileSystem: await fileSystemAt(root) }, { runtime, request, dryRun })
    if (json) stdout.write(reportLine(report, { runtime, mirror: request.mirror, dryRun }))
    else
      stdout.write(reportText(report, { title: installTitle(runtime, request.mirror, report.files, dryRun), dryRun }))
  })
}

/** `dfdaemon uninstall [RUNTIME]`. */
export function createUninstallCommand({ stdout }: InstallStreams = process): Command {
  const command = new Command('uninstall')
    .description('Puts back, byte for byte, what install has changed, also after an install that was cut off.')
    .addArgument(
      new Argument('[runtime]', 'the runtime to put back (default: all that were installed)').choices(RUNTIMES),
    )
    .option('--force', 'put back also files that somebody has changed since the install; the changes are lost')
    .addOption(new Option('--keep', 'leave such files as they are, and forget what they were').conflicts('force'))
  return withCommonOptions(command).action(
    async (runtime: RuntimeName | undefined, options: CommonOptions & UninstallOptions) => {
      const { root, dryRun = false, json = false } = options
      const onChanged = onChangedOf(options)
      const fileSystem = await fileSystemAt(root)
      const runtimes = runtime === undefined ? await installedRuntimes(fileSystem) : [runtime]
      if (runtimes.length === 0 && !json) stdout.write('Nothing is installed.\n')
      const reports: { readonly runtime: RuntimeName; readonly report: UninstallReport }[] = []
      for (const name of runtimes) {
        const report = await uninstall({ fileSystem }, { runtime: name, onChanged, dryRun })
        reports.push({ runtime: name, report })
        if (!json)
          stdout.write(reportText({ ...report, notes: [] }, { title: uninstallTitle(name, report, dryRun), dryRun }))
      }
      if (json) stdout.write(uninstallLine(reports, dryRun))
      refuse(reports.flatMap(({ report }) => report.files))
    },
  )
}

function onChangedOf({ force = false, keep = false }: UninstallOptions): OnChanged {
  if (force) return 'restore'
  return keep ? 'keep' : 'refuse'
}

function withCommonOptions(command: Command): Command {
  return command
    .option('--root <dir>', 'directory that all paths are below, to prepare the image of a machine', '/')
    .option('--dry-run', 'show the differences and change nothing')
    .option('--json', 'print one line for programs')
    .showHelpAfterError()
}

/** The settings of the daemon that the runtime shall pull through. */
function configFor(command: Command): DfdaemonConfig {
  const { parent } = command
  if (parent !== null) return configOf(parent, DfdaemonConfig)
  return loadConfig('dfdaemon', DfdaemonConfig, { environment: process.env })
}

async function fileSystemAt(root: string): Promise<FileSystem> {
  const found = await stat(root).catch(() => undefined)
  if (found?.isDirectory() !== true) throw new DamselflyError('CONFIG_INVALID', `--root ${root} is not a directory`)
  return createRootedFileSystem(resolve(root))
}

function installTitle(
  runtime: RuntimeName,
  mirror: string,
  files: readonly { readonly change: string }[],
  dryRun: boolean,
): string {
  if (files.every(({ change }) => change === 'unchanged'))
    return `${runtime} is set up for ${mirror} already; nothing to change.`
  return dryRun ? `${runtime} would be set up for ${mirror}:` : `${runtime} is set up for ${mirror}:`
}

function uninstallTitle(runtime: RuntimeName, { wasInstalled }: UninstallReport, dryRun: boolean): string {
  if (!wasInstalled) return `Nothing is installed for ${runtime}.`
  return dryRun ? `${runtime} would be put back:` : `${runtime} is put back:`
}

function uninstallLine(
  reports: readonly { readonly runtime: RuntimeName; readonly report: UninstallReport }[],
  dryRun: boolean,
): string {
  const runtimes = reports.map(({ runtime, report: { files, commands } }) => ({
    runtime,
    files: files.map(({ path, change }) => ({ path, change })),
    commands,
  }))
  return `${JSON.stringify({ dryRun, runtimes })}\n`
}

/** @throws DamselflyError OUTPUT_FAILED when a file was left as it is */
function refuse(files: readonly Restoration[]): void {
  const paths = files.filter(({ change }) => change === 'refused').map(({ path }) => path)
  if (paths.length === 0) return
  throw new DamselflyError(
    'OUTPUT_FAILED',
    `${paths.join(', ')}: changed since the install and left as it is; take our lines out by hand and run this with --keep, or lose the changes with --force`,
  )
}
