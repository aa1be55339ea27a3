import { DamselflyError } from '../../protocol/errors.ts'
import type { Labels } from '../../protocol/messages/fields.ts'

/** Who shall have the contents of a job. The supernode always has them. */
export type Scope =
  | { readonly kind: 'supernode' }
  /** All supernodes of the cluster. */
  | { readonly kind: 'supernodes' }
  /** All nodes that are linked when the job begins. */
  | { readonly kind: 'all' }
  /** So many nodes, whichever. */
  | { readonly kind: 'count'; readonly nodes: number }
  /** Such a part of the linked nodes, rounded up. */
  | { readonly kind: 'percent'; readonly percent: number }
  /** Nodes with all of these labels. */
  | { readonly kind: 'labels'; readonly labels: ReadonlyMap<string, string> }
  /** These nodes, by name, PeerId or IP address, linked or not. */
  | { readonly kind: 'nodes'; readonly nodes: readonly string[] }

/** A linked node that fetches what it is told to. */
export interface LinkedNode {
  /** PeerId. */
  readonly id: string
  /** What it calls itself; its PeerId where it has no name. */
  readonly name: string
  readonly labels: Labels
  /** IP addresses at which other nodes reach it. */
  readonly ips: readonly string[]
}

const MAX_NODES = 10_000
const FORMS = 'all, supernode, supernodes, count:5, percent:25, labels:zone=a,pool=gpu or nodes:n1,n2'

/** Reads a scope as people write it. @throws DamselflyError REQUEST_INVALID */
export function parseScope(text: string): Scope {
  const colon = text.indexOf(':')
  const [kind, value] = colon < 0 ? [text, undefined] : [text.slice(0, colon), text.slice(colon + 1)]
  switch (kind) {
    case 'all':
    case 'supernode':
    case 'supernodes':
      if (value === undefined) return { kind }
      break
    case 'count': {
      const nodes = wholeNumber(value)
      if (nodes >= 1 && nodes <= MAX_NODES) return { kind, nodes }
      throw invalid(text, `a number from 1 to ${MAX_NODES} must follow count:`)
    }
    case 'percent': {
      const percent = wholeNumber(value)
      if (percent >= 1 && percent <= 100) return { kind, percent }
      throw invalid(text, 'a whole number from 1 to 100 must follow percent:')
    }
    case 'labels':
      return { kind, labels: parseLabels(text, value ?? '') }
    case 'nodes': {
      const nodes = [...new Set((value ?? '').split(','))]
      if (nodes.includes('') || nodes.length > MAX_NODES) {
        throw invalid(text, 'names, PeerIds or IP addresses, separated by commas, must follow nodes:')
      }
      return { kind, nodes }
    }
  }
  throw invalid(text, `a scope is ${FORMS}`)
}

/** Whether a node has all labels. */
export function hasLabels({ labels }: LinkedNode, wanted: ReadonlyMap<string, string>): boolean {
  const own: Readonly<Record<string, string | undefined>> = labels
  return [...wanted].every(([key, value]) => Object.hasOwn(own, key) && own[key] === value)
}

/** Whether a node is meant by a name, a PeerId or an IP address. */
export function isNamed({ id, name, ips }: LinkedNode, wanted: string): boolean {
  return id === wanted || name === wanted || ips.includes(wanted)
}

function parseLabels(scope: string, text: string): Map<string, string> {
  const labels = new Map<string, string>()
  for (const pair of text.split(',')) {
    const equals = pair.indexOf('=')
    const key = pair.slice(0, Math.max(0, equals))
    if (key === '' || labels.has(key))
      throw invalid(scope, 'key=value, each key once, separated by commas, must follow labels:')
    labels.set(key, pair.slice(equals + 1))
  }
  return labels
}

function wholeNumber(text = ''): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
}

function invalid(text: string, what: string): DamselflyError {
  return new DamselflyError('REQUEST_INVALID', `scope "${text.slice(0, 100)}": ${what}`)
}
