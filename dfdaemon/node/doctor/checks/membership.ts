import type { Commands } from '../commands.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'

/** What a node has joined. */
export type ClusterState =
  /** No supernode is configured, and no cluster has been joined. */
  | { readonly kind: 'none' }
  | { readonly kind: 'trial' }
  /** An `http:` supernode that is not on this machine. */
  | { readonly kind: 'insecure' }
  | { readonly kind: 'joined'; readonly peerId: string }
  /** An `https:` supernode is configured that has not been joined. */
  | { readonly kind: 'not-joined'; readonly dataDir: string }
  /** This user may not see it. */
  | { readonly kind: 'closed'; readonly path: string }
  | { readonly kind: 'damaged'; readonly problem: string }

export interface MembershipFacts {
  readonly cluster: ClusterState
  /** URL of the supernode; empty where none is known. */
  readonly supernodeUrl: string
  /** What the supernode says; undefined when it was not asked or did not answer. */
  readonly isMember: boolean | undefined
  /** URL of the supernode that the running dfdaemon has; undefined when none runs or says it. */
  readonly running: string | undefined
  readonly commands: Commands
}

const CHECK = 'membership'

/** Whether this node is a member of its supernode's cluster. Nothing to say of nodes without one, or on trial. */
export function checkMembership({ cluster, supernodeUrl, isMember, running, commands }: MembershipFacts): Finding[] {
  const mend = joinMend(supernodeUrl, commands)
  switch (cluster.kind) {
    case 'none':
    case 'trial':
      return []
    case 'insecure': {
      const what = `${supernodeUrl} is an http:// supernode, which is one on trial, and is not on this machine: dfdaemon does not start with it`
      return [fail(CHECK, what, joinMend(supernodeUrl.replace('http:', 'https:'), commands))]
    }
    case 'not-joined':
      return [fail(CHECK, `${supernodeUrl} has not been joined from ${cluster.dataDir}`, mend)]
    case 'closed': {
      const what = `${cluster.path} is closed to this user, so that the supernode was not asked`
      return [warn(CHECK, what, `${commands.doctor}   # as the user that runs dfdaemon`)]
    }
    case 'damaged':
      return [fail(CHECK, cluster.problem, mend)]
    case 'joined':
      break
  }
  if (running === '') {
    const what = `the dfdaemon was started before this node joined ${supernodeUrl}`
    return [fail(CHECK, what, `${commands.start}   # after ending the one that runs`)]
  }
  if (isMember === undefined) return []
  if (isMember) return [ok(CHECK, `a member of the cluster of ${supernodeUrl}`)]
  const what = `no member of the cluster of ${supernodeUrl} any more: this node was revoked, is on the blocklist, or was away for too long`
  const allow = `supernode block remove ${cluster.peerId}`
  return [fail(CHECK, what, `${mend}; if "supernode block list" names it, "${allow}" first`)]
}

/** The command that makes a node a member. @param supernodeUrl empty where none is known */
export function joinMend(supernodeUrl: string, { join }: Pick<Commands, 'join'>): string {
  const url = supernodeUrl === '' ? 'https://SUPERNODE:8002' : supernodeUrl
  return `${join} ${url} --token-file FILE   # with a token of "supernode token create --role node" on the supernode's machine`
}
