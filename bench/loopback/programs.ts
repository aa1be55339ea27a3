import type { Child, Children } from '../measure/children.ts'
import type { RegistryBlob } from './blob.ts'
import type { Fetched, Wanted } from './fetched.ts'
import { timeoutFor } from './timeout.ts'

/** A registry that runs until the benchmark ends. Its calls throw as `Child.ask` does, like those of the others here. */
export interface Registry {
  readonly url: string
  /** Puts a generated layer of about this size into it. */
  layer(sizeBytes: number): Promise<RegistryBlob>
  /** Puts a blob of random bytes into it. */
  blob(sizeBytes: number): Promise<RegistryBlob>
}

/** A program that is a peer. */
export interface PeerProgram {
  readonly pid: number
  readonly peerId: string
  /** Processor time that it has taken so far. */
  cpuSeconds(): Promise<number>
  /** Closes its store, as it does at SIGTERM; another can be started with the same directory then. */
  stop(): Promise<void>
}

/** A dfdaemon. */
export interface Dfdaemon extends PeerProgram {
  /** `http://host:port` of its mirror and local API. */
  readonly url: string
}

/** The peer of a dfget. */
export interface Dfget extends PeerProgram {
  /** Fetches, verifies and stores content. */
  fetch(wanted: Wanted, sizeBytes: number): Promise<Fetched>
}

/** Where a peer is, and whom it knows. */
export interface PeerInit {
  /** What it is called in messages. */
  readonly label: string
  /** For its data; made when it does not exist. */
  readonly directory: string
  readonly supernodeUrl: string
}

/** Of the programs, which all run on this machine. */
const COMMON = { trial: 'true', logLevel: 'warn' } as const

/** Starts a registry. */
export async function startRegistry(children: Children): Promise<Registry> {
  const child = await children.start('the registry', moduleOf('registry'))
  const put = (kind: string) => (sizeBytes: number) =>
    child.ask<RegistryBlob>(kind, { argument: sizeBytes, timeoutMs: timeoutFor(sizeBytes) })
  return { url: await ask(child, 'url'), layer: put('layer'), blob: put('blob') }
}

/** A supernode. */
export interface Supernode {
  readonly pid: number
  /** `http://host:port` of its API. */
  readonly url: string
  /** Processor time that it has taken so far. */
  cpuSeconds(): Promise<number>
}

/** Starts a supernode. */
export async function startSupernodeProgram(
  children: Children,
  directory: string,
  own: Readonly<Record<string, string>> = {},
): Promise<Supernode> {
  const settings = { 'http.listen': '127.0.0.1:0', dataDir: directory, ...COMMON, ...own }
  const child = await children.start('the supernode', moduleOf('supernode'), JSON.stringify(settings))
  return { pid: child.pid, url: await ask(child, 'url'), cpuSeconds: () => ask(child, 'cpuSeconds') }
}

/** Starts a supernode. @returns its URL */
export async function startSupernode(children: Children, directory: string): Promise<string> {
  return (await startSupernodeProgram(children, directory)).url
}

/** Starts a dfdaemon before a registry. */
export async function startDfdaemon(
  children: Children,
  { label, directory, supernodeUrl }: PeerInit,
  registry: Pick<Registry, 'url'>,
): Promise<Dfdaemon> {
  const places = { listen: '127.0.0.1:0', socket: '', dataDir: directory, supernode: supernodeUrl }
  const settings = { ...places, defaultUpstream: new URL(registry.url).host, ...COMMON }
  const child = await children.start(label, moduleOf('dfdaemon'), JSON.stringify(settings))
  return { url: await ask(child, 'url'), ...(await peerProgram(child)) }
}

/** Starts the peer of a dfget. */
export async function startDfget(children: Children, { label, directory, supernodeUrl }: PeerInit): Promise<Dfget> {
  const settings = { supernode: supernodeUrl, logLevel: COMMON.logLevel }
  const child = await children.start(label, moduleOf('dfget'), JSON.stringify(settings), directory)
  return {
    ...(await peerProgram(child)),
    fetch: (wanted, sizeBytes) => child.ask<Fetched>('fetch', { argument: wanted, timeoutMs: timeoutFor(sizeBytes) }),
  }
}

async function peerProgram(child: Child): Promise<PeerProgram> {
  return {
    pid: child.pid,
    peerId: await ask(child, 'peerId'),
    cpuSeconds: () => ask(child, 'cpuSeconds'),
    stop: () => ask(child, 'stop'),
  }
}

function ask<Answered>(child: Child, question: string): Promise<Answered> {
  return child.ask<Answered>(question, { timeoutMs: timeoutFor() })
}

function moduleOf(program: string): URL {
  return new URL(`${program}.ts`, import.meta.url)
}
