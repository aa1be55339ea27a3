import type { DialBackAnswer, DialFailureReason } from '../../../../protocol/messages/diagnosis.ts'
import type { ClusterInfo } from '../../../../protocol/messages/registration.ts'
import type { Commands } from '../commands.ts'
import type { ConnectionFailure } from '../connection-failure.ts'
import { endpointOf, isLoopback, portOf } from '../endpoints.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'
import { joinMend } from './membership.ts'

/** What the API of a supernode answers. */
export type SupernodeAnswer =
  | { readonly state: 'running'; readonly version: string; readonly cluster: ClusterInfo | undefined }
  /** Something answers that is no supernode. */
  | { readonly state: 'stranger' }
  | { readonly state: 'unreachable'; readonly failure: ConnectionFailure }

export interface SupernodeFacts {
  /** Empty where none is configured. */
  readonly url: string
  readonly answer: SupernodeAnswer
  readonly commands: Commands
}

const CHECK = 'supernode'

/** Whether the API of the supernode can be reached from this node. */
export function checkSupernode({ url, answer, commands }: SupernodeFacts): Finding {
  if (url === '') {
    const what = 'none is configured, so that every pull goes to its registry'
    return warn(CHECK, what, joinMend('', commands))
  }
  if (answer.state === 'running') return ok(CHECK, `version ${answer.version} answers at ${url}`)
  const { host, hostname } = new URL(url)
  if (answer.state === 'stranger') {
    return fail(CHECK, `what answers at ${url} is no supernode`, joinMend('', commands))
  }
  const { kind, reason } = answer.failure
  const what = `${url} does not answer: ${reason}`
  if (kind === 'unknown-host') return fail(CHECK, what, `getent hosts ${hostname}   # mend the name, or --supernode`)
  if (kind === 'certificate') return fail(CHECK, reason, joinMend(url, commands))
  if (kind === 'clock') return fail(CHECK, reason, 'timedatectl set-ntp true')
  const isTrial = url.startsWith('http:')
  if (kind === 'refused') {
    const listen = isLoopback(hostname) ? host : `0.0.0.0:${portOf(url)}`
    return fail(CHECK, what, `supernode${isTrial ? ' --trial' : ''} --http-listen ${listen}   # on ${hostname}`)
  }
  const mend = `curl${isTrial ? '' : ' --insecure'} --max-time 3 ${url.replace(/\/+$/, '')}/_ping   # on ${hostname}: no answer there means restart it, an answer that port ${portOf(url)} is closed to this node`
  return fail(CHECK, what, mend)
}

export interface LinkFacts {
  readonly supernodeUrl: string
  readonly supernodeAddresses: readonly string[]
  /** What the supernode says of this node, or why it says nothing. */
  readonly dialBack: { readonly value: DialBackAnswer } | { readonly reason: string }
  /** The addresses that this node tells others. */
  readonly ownAddresses: readonly string[]
  readonly commands: Commands
}

const REASONS: Readonly<Record<DialFailureReason, string>> = {
  refused: 'refused',
  timeout: 'no answer',
  stranger: 'another peer',
  failed: 'failed',
}

/** Whether node and supernode reach each other as peers, which is two ways: the node links, the supernode dials back. */
export function checkLinks(facts: LinkFacts): Finding[] {
  const { supernodeUrl, supernodeAddresses, dialBack, ownAddresses, commands } = facts
  if (!('value' in dialBack)) {
    const what = `the supernode does not say whether it reaches this node (${dialBack.reason})`
    return [warn('link-from-supernode', what, `${commands.doctor}   # once more; an older supernode cannot say it`)]
  }
  const { linked, reached, failures } = dialBack.value
  if (!linked) return [notLinked(supernodeUrl, supernodeAddresses)]
  const toSupernode = ok('link-to-supernode', 'this node has its control stream')
  if (reached !== null) return [toSupernode, ok('link-from-supernode', `the supernode reaches this node at ${reached}`)]
  const tried = failures.map(({ address, reason }) => `${address} (${REASONS[reason]})`).join(', ')
  const what = `the supernode cannot reach this node, so that it gives nothing to others: ${tried || 'it announces no address'}`
  return [toSupernode, fail('link-from-supernode', what, openMend(ownAddresses, commands))]
}

function notLinked(supernodeUrl: string, addresses: readonly string[]): Finding {
  const endpoints = addresses.flatMap(address => endpointOf(address) ?? [])
  const { hostname } = new URL(supernodeUrl)
  if (!isLoopback(hostname) && endpoints.every(({ host }) => isLoopback(host))) {
    const what = `the supernode tells peers only addresses of its own machine: ${addresses.join(', ') || 'none'}`
    const mend = `supernode --p2p-listen /ip4/0.0.0.0/tcp/8003   # on ${hostname}`
    return fail('link-to-supernode', what, mend)
  }
  const ports = [...new Set(endpoints.map(({ port }) => port))].join(', ')
  const what = `this node has no control stream to the supernode at ${addresses.join(', ')}`
  const mend = `nc -vz ${hostname} ${endpoints[0]?.port ?? 'PORT'}   # open TCP port ${ports} of ${hostname} to this node`
  return fail('link-to-supernode', what, mend)
}

function openMend(addresses: readonly string[], commands: Commands): string {
  const endpoints = addresses.flatMap(address => endpointOf(address) ?? [])
  const outside = endpoints.filter(({ host }) => !isLoopback(host))
  if (outside.length === 0) return `${commands.start} --p2p-listen /ip4/0.0.0.0/tcp/65002   # and open that port`
  const port = outside[0]?.port
  return `${commands.start} --p2p-announce /ip4/ADDRESS/tcp/${port}   # under which others reach it; and open TCP port ${port} here`
}
