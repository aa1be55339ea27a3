import type { NodeStatus } from '../../../../protocol/messages/daemon-api.ts'
import type { Commands } from '../commands.ts'
import type { ConnectionFailure } from '../connection-failure.ts'
import { portOf } from '../endpoints.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'

/** Who has a port open. */
export interface PortHolder {
  /** Undefined where this user may not see it. */
  readonly process: { readonly pid: number; readonly name: string } | undefined
}

/** What answers where the dfdaemon should. */
export type DaemonAnswer =
  | {
      readonly state: 'running'
      readonly version: string
      readonly node: NodeStatus | undefined
      /** Whether it tells only its owner, or with a token, how it is set up. */
      readonly forOwner?: boolean
    }
  /** Something answers that is no dfdaemon. */
  | { readonly state: 'stranger' }
  | { readonly state: 'unreachable'; readonly failure: ConnectionFailure }

export interface DaemonFacts {
  readonly url: string
  readonly answer: DaemonAnswer
  /** Who listens at the port; undefined when nobody does, or that cannot be seen. */
  readonly holder: PortHolder | undefined
  readonly commands: Commands
}

const CHECK = 'dfdaemon'

/** Whether the dfdaemon runs and answers, and who has its port otherwise. */
export function checkDaemon({ url, answer, holder, commands }: DaemonFacts): Finding {
  const { host } = new URL(url)
  if (answer.state === 'running') {
    if (answer.node !== undefined) return ok(CHECK, `version ${answer.version} answers at ${url}`)
    if (answer.forOwner === true) {
      const what = `version ${answer.version} answers at ${url}, but tells only its owner how it is set up`
      return warn(CHECK, what, `${commands.doctor}   # as the user that runs it, or with --token-file FILE`)
    }
    const what = `version ${answer.version} answers at ${url}, but not how it is set up: it is another version than this`
    return warn(CHECK, what, restart(commands, holder))
  }
  if (answer.state === 'stranger') {
    const what = `port ${portOf(url)} is taken by ${holderText(holder)}, which is no dfdaemon`
    return fail(CHECK, what, `${commands.start} --listen 127.0.0.1:PORT   # another port, or end that process first`)
  }
  if (answer.failure.kind === 'timeout') {
    const what = `${holderText(holder)} has port ${portOf(url)} and does not answer`
    return holder === undefined
      ? fail(CHECK, `${host} does not answer: ${answer.failure.reason}`, commands.start)
      : fail(CHECK, what, restart(commands, holder))
  }
  if (holder !== undefined) {
    const what = `nobody answers at ${host}, but ${holderText(holder)} has port ${portOf(url)} at another address`
    return fail(CHECK, what, `dfdaemon doctor --mirror http://ADDRESS:${portOf(url)}   # if that is the dfdaemon`)
  }
  return fail(CHECK, `not running: ${host} does not answer (${answer.failure.reason})`, commands.start)
}

/** The settings of the running dfdaemon beside those that the doctor was given. Empty values were not given. */
export interface SettingsFacts {
  readonly given: { readonly supernode: string; readonly dataDir: string }
  readonly running: Pick<NodeStatus, 'supernode' | 'dataDir'>
  readonly commands: Commands
}

/** Whether the running dfdaemon has the settings that the doctor was given. */
export function checkSettings({ given, running, commands }: SettingsFacts): Finding[] {
  const names = ['supernode', 'dataDir'] as const
  const different = names.filter(name => given[name] !== '' && given[name] !== running[name])
  if (different.length === 0) return []
  const texts = different.map(name => `${name} ${running[name] || 'none'} instead of ${given[name]}`)
  const what = `the dfdaemon runs with other settings than given here: ${texts.join(', ')}; the rest is about those it runs with`
  return [warn('settings', what, `${commands.start}   # after ending the one that runs`)]
}

/** The versions of the programs that work together; undefined for those that did not answer. */
export interface VersionFacts {
  readonly own: string
  readonly daemon: string | undefined
  readonly supernode: string | undefined
  readonly commands: Commands
}

/** Whether the programs are of one version. */
export function checkVersions({ own, daemon, supernode, commands }: VersionFacts): Finding[] {
  if (daemon !== undefined && daemon !== own) {
    const what = `the running dfdaemon is version ${daemon}, the one installed is ${own}`
    return [warn('versions', what, `${commands.start}   # after ending the one that runs`)]
  }
  if (supernode !== undefined && supernode !== own) {
    const what = `the supernode is version ${supernode}, this node has ${own}`
    return [warn('versions', what, 'npm install --global damselfly@VERSION   # the same on both machines')]
  }
  return daemon === undefined && supernode === undefined ? [] : [ok('versions', `all ${own}`)]
}

function restart(commands: Commands, holder: PortHolder | undefined): string {
  const pid = holder?.process?.pid
  return pid === undefined ? `${commands.start}   # after ending the one that runs` : `kill ${pid}; ${commands.start}`
}

function holderText(holder: PortHolder | undefined): string {
  if (holder?.process === undefined) return 'another process (root can see which)'
  return `${holder.process.name} (process ${holder.process.pid})`
}
