import type { RuntimeName } from '../../install/plan.ts'
import { type Commands, installCommand, uninstallCommand } from '../commands.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'
import type { Wiring } from '../wiring.ts'

/** The daemon of a runtime, as far as it can be seen. */
export interface RuntimeProcess {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** A proxy to which its environment sends requests for the dfdaemon. */
  readonly proxy: string | undefined
}

/** A container runtime of this machine. */
export interface RuntimeFacts {
  readonly runtime: RuntimeName
  readonly wiring: Wiring
  /** `http://host:port` of the dfdaemon as the runtime shall reach it. */
  readonly mirror: string
  /** When the newest of the files was changed that the daemon reads at its start only, in milliseconds since 1970. */
  readonly changedAt: number | undefined
  /** Undefined where it does not run or is none. */
  readonly process: RuntimeProcess | undefined
  /** The mirrors that dockerd says it uses, or why it does not say it. Undefined for others. */
  readonly dockerMirrors: readonly string[] | { readonly reason: string } | undefined
  /** Whether nobody asked for this runtime and another one is wired. */
  readonly isOptional: boolean
}

/** Whether a runtime pulls through the dfdaemon. */
export function checkRuntime(facts: RuntimeFacts, commands: Commands): Finding {
  const { runtime, wiring, mirror, isOptional } = facts
  const check = `runtime-${runtime}`
  const install = installCommand(runtime, commands)
  switch (wiring.state) {
    case 'none': {
      const what = `${runtime} is not set up to pull through ${mirror}`
      return isOptional ? warn(check, what, install) : fail(check, what, install)
    }
    case 'elsewhere': {
      const what = `${runtime} is set up for ${wiring.mirror}, but this dfdaemon is at ${mirror}`
      return fail(check, what, `${uninstallCommand(runtime, commands)}; ${install}`)
    }
    case 'unread': {
      const what =
        'the hosts.toml files are there, but config.toml has no config_path, so that containerd does not read them'
      return fail(check, what, `${install} --edit-containerd-config && systemctl restart containerd`)
    }
    case 'closed':
      return warn(check, `whether ${runtime} is set up cannot be seen: ${wiring.problem}`, `sudo ${commands.doctor}`)
    case 'broken':
      return fail(check, wiring.problem, `${install} --dry-run   # says the same until that file is mended`)
    case 'wired':
      return checkWired(facts, wiring, commands)
  }
}

function checkWired(
  facts: RuntimeFacts,
  { registries, without }: Wiring & { state: 'wired' },
  commands: Commands,
): Finding {
  const { runtime, mirror, process, dockerMirrors } = facts
  const check = `runtime-${runtime}`
  if (process?.proxy !== undefined) {
    const { hostname } = new URL(mirror)
    const what = `${runtime} is set up, but its environment sends requests for ${mirror} to the proxy ${process.proxy}`
    const mend = `systemctl edit ${runtime}   # add ${hostname} to NO_PROXY, then: systemctl restart ${runtime}`
    return fail(check, what, mend)
  }
  const used = dockerMirrors === undefined || 'reason' in dockerMirrors ? undefined : dockerMirrors
  if (used !== undefined && !used.some(url => sameUrl(url, mirror))) {
    return fail(check, 'daemon.json is set up, but the running dockerd does not use it', 'systemctl reload docker')
  }
  const stale = staleFinding(facts)
  if (stale !== undefined) return stale
  const scope = registries === undefined ? '' : ` for ${registries.join(', ')}`
  const what = `${runtime} pulls through ${mirror}${scope}`
  if (without.length > 0) {
    const options = without.map(registry => `--registry ${registry}`).join(' ')
    return warn(check, `${what}, but not for ${without.join(', ')}`, `${installCommand(runtime, commands)} ${options}`)
  }
  if (dockerMirrors !== undefined && 'reason' in dockerMirrors) {
    const note = `whether dockerd has read it cannot be seen: ${dockerMirrors.reason}`
    return warn(check, `${what} by its files; ${note}`, `sudo ${commands.doctor}   # while dockerd runs`)
  }
  return ok(check, what)
}

/** More than the times of files and of processes are rounded by. */
const ROUNDING_MS = 50

function staleFinding({ runtime, changedAt, process }: RuntimeFacts): Finding | undefined {
  if (process === undefined || changedAt === undefined || changedAt <= process.startedAt + ROUNDING_MS) return undefined
  const check = `runtime-${runtime}`
  if (runtime === 'crio') {
    const what = 'the files were changed after CRI-O started; whether it was reloaded since cannot be seen'
    return warn(check, what, 'systemctl reload crio')
  }
  const what = `the files were changed after ${runtime} started, which reads them only then`
  return fail(check, what, `systemctl restart ${runtime}`)
}

function sameUrl(one: string, other: string): boolean {
  return one.replace(/\/+$/, '') === other.replace(/\/+$/, '')
}
