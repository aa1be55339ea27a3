import { resolve } from 'node:path'
import type { ApiAddress } from '../../../lib/http/client/api-endpoint.ts'
import type { ImageReference } from '../../../protocol/image-reference.ts'
import type { NodeStatus } from '../../../protocol/messages/daemon-api.ts'
import type { DfdaemonConfig } from '../../config.ts'
import type { FileSystem } from '../install/file-system.ts'
import type { PlanRequest, RuntimeName } from '../install/plan.ts'
import { bounded } from './bounded.ts'
import { checkClock } from './checks/clock.ts'
import { checkDaemon, checkSettings, checkVersions, type PortHolder } from './checks/daemon.ts'
import { checkDataDirectory } from './checks/data-directory.ts'
import { checkMembership } from './checks/membership.ts'
import { checkPeerPort, checkWantedPort } from './checks/peer-port.ts'
import { checkRuntime } from './checks/runtime.ts'
import { checkLinks, checkSupernode } from './checks/supernode.ts'
import { checkTestPull } from './checks/test-pull.ts'
import type { Commands } from './commands.ts'
import { endpointOf, portOf } from './endpoints.ts'
import { type Finding, fail } from './finding.ts'
import { probeCluster } from './probes/cluster.ts'
import { probeDaemon } from './probes/daemon.ts'
import { probeDataDirectory } from './probes/data-directory.ts'
import { probePeerAddresses } from './probes/peer-addresses.ts'
import { portHolder } from './probes/port-holder.ts'
import { probeRuntimes } from './probes/runtimes.ts'
import { probeDialBack, probeSupernode } from './probes/supernode.ts'
import { probeMirror, probeTestPull } from './probes/test-pull.ts'

export interface ExamineInit {
  /** The settings that the dfdaemon has or would have. */
  readonly config: Pick<DfdaemonConfig, 'supernode' | 'dataDir' | 'p2p'>
  /** The settings that were given, whatever the defaults; empty for those that were not. */
  readonly given: { readonly supernode: string; readonly dataDir: string }
  /** What an install would be asked for. Its mirror is the dfdaemon that is looked at. */
  readonly request: PlanRequest
  /** Where that dfdaemon says how it is set up and how a pull went. */
  readonly api: ApiAddress
  readonly fileSystem: FileSystem
  /** Directory that the runtimes' files are below. */
  readonly root: string
  /** Empty for those that are found. */
  readonly runtimes: readonly RuntimeName[]
  /** What to pull for a test, with its name as the user wrote it. */
  readonly image: { readonly reference: ImageReference; readonly name: string } | undefined
  readonly commands: Commands
  readonly version: string
  readonly userId: number
}

/** Looks at everything that a node needs to take part, side by side, and says what it found, in the order of a pull. */
export async function examine(init: ExamineInit): Promise<Finding[]> {
  const { config, request, commands } = init
  const url = request.mirror
  const [answer, runtimes] = await Promise.all([probeDaemon(url, init.api), probeRuntimes(init)])
  const node = answer.state === 'running' ? answer.node : undefined
  const running = answer.state === 'running'
  const dataDir = node?.dataDir ?? resolve(config.dataDir)
  await using cluster = await probeCluster({ supernode: node?.supernode ?? config.supernode, dataDir })
  const { url: supernodeUrl, api } = cluster

  const [supernode, dialBack, peerPort, directory, testPull, holder] = await Promise.all([
    api && probeSupernode(api),
    api && node && probeDialBack(api, node.peerId),
    peerPortFindings(init, node, running, supernodeUrl),
    probeDataDirectory(dataDir),
    testPullOf(init, running),
    running ? undefined : holderOf(portOf(url)),
  ])
  const reached = supernode?.answer.state === 'running' ? supernode.answer : undefined

  return [
    ...runtimes.map(facts => checkRuntime(facts, commands)),
    ...(runtimes.length === 0
      ? [fail('runtime', 'no container runtime was found', `${commands.doctor} --runtime RUNTIME`)]
      : []),
    checkDaemon({ url, answer, holder, commands }),
    ...(node === undefined ? [] : checkSettings({ given: init.given, running: node, commands })),
    ...checkVersions({
      own: init.version,
      daemon: answer.state === 'running' ? answer.version : undefined,
      supernode: reached?.version,
      commands,
    }),
    checkDataDirectory({ path: dataDir, ...directory, userId: init.userId, daemonRuns: running, commands }),
    ...peerPort,
    ...(supernode === undefined && cluster.state.kind !== 'none'
      ? []
      : [checkSupernode({ url: supernodeUrl, answer: supernode?.answer ?? { state: 'stranger' }, commands })]),
    ...checkMembership({
      ...{ cluster: cluster.state, supernodeUrl, isMember: supernode?.isMember },
      ...{ running: node?.supernode, commands },
    }),
    ...(dialBack === undefined || reached === undefined || node === undefined || supernode?.isMember === false
      ? []
      : checkLinks({
          supernodeUrl,
          supernodeAddresses: reached.cluster?.supernode.addresses ?? [],
          dialBack,
          ownAddresses: node.addresses,
          commands,
        })),
    ...(supernode?.clock === undefined ? [] : [checkClock(supernode.clock)]),
    ...(testPull === undefined
      ? []
      : [checkTestPull({ facts: testPull, image: init.image?.name, hasSupernode: supernodeUrl !== '', commands })]),
  ]
}

async function peerPortFindings(
  { config, commands }: ExamineInit,
  node: NodeStatus | undefined,
  running: boolean,
  supernodeUrl: string,
): Promise<Finding[]> {
  if (node !== undefined) {
    return [checkPeerPort({ addresses: await probePeerAddresses(node.addresses), supernodeUrl, commands })]
  }
  if (running) return []
  const wanted = config.p2p.listen.filter(address => (endpointOf(address)?.port ?? 0) > 0)
  const found = await Promise.all(
    wanted.map(async address => ({ address, holder: await holderOf(endpointOf(address)?.port ?? 0), commands })),
  )
  return found.flatMap(checkWantedPort)
}

async function testPullOf({ image, api, request: { mirror } }: ExamineInit, running: boolean) {
  if (image !== undefined) return running ? probeTestPull(mirror, api, image.reference) : notRunning()
  return running ? probeMirror(mirror) : undefined
}

function notRunning() {
  return { state: 'failed', problem: 'there is no dfdaemon to pull through' } as const
}

async function holderOf(port: number): Promise<PortHolder | undefined> {
  const found = await bounded(() => portHolder(port))
  return 'value' in found ? found.value : undefined
}
