import { formatBytes, formatElapsed } from '../../../../lib/terminal/format.ts'
import type { TaskAccount } from '../../../../protocol/messages/daemon-api.ts'
import { originReasonText } from '../../../explain/origin-reason-text.ts'
import type { Commands } from '../commands.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'

/** What came of a test pull. */
export type TestPullFacts =
  /** No image was named; the mirror answers. */
  | { readonly state: 'not-made' }
  | { readonly state: 'failed'; readonly problem: string }
  | {
      readonly state: 'made'
      readonly digest: string
      readonly sizeBytes: number
      readonly durationMs: number
      /** Undefined where the dfdaemon does not tell. */
      readonly account: TaskAccount | undefined
    }

export interface TestPullInit {
  readonly facts: TestPullFacts
  /** As the user named it; undefined when none was. */
  readonly image: string | undefined
  readonly hasSupernode: boolean
  readonly commands: Commands
}

const CHECK = 'test-pull'

/** Whether a pull goes through the swarm. */
export function checkTestPull({ facts, image, hasSupernode, commands }: TestPullInit): Finding {
  if (facts.state === 'not-made') {
    const what = 'the mirror answers; no test pull was made, as no image was named'
    return ok(CHECK, what, `${commands.doctor} --image docker.io/library/alpine:3.20`)
  }
  if (facts.state === 'failed') {
    return fail(CHECK, facts.problem, image === undefined ? undefined : `dfdaemon explain ${image}`)
  }
  const { digest, sizeBytes, durationMs, account } = facts
  const blob = `${digest.slice(0, digest.indexOf(':') + 13)}, ${formatBytes(sizeBytes)} in ${formatElapsed(durationMs)}`
  if (account === undefined) return warn(CHECK, `${blob}; the dfdaemon does not tell where the bytes came from`)
  const what = `${blob}: ${sourcesText(account)}`
  if (account.originBytes > 0) {
    const reasons = account.originReasons.map(originReasonText).join('; ')
    const mend = hasSupernode ? `dfdaemon explain ${image}` : undefined
    const text = `${what}${reasons === '' ? '' : `, because ${reasons}`}`
    return hasSupernode ? fail(CHECK, text, mend) : warn(CHECK, text, mend)
  }
  if (account.peerBytes + account.supernodeBytes > 0) return ok(CHECK, what)
  return warn(
    CHECK,
    `${what}, so that it says nothing of the swarm`,
    `${commands.doctor} --image IMAGE   # one not pulled here yet`,
  )
}

function sourcesText({ diskBytes, peerBytes, supernodeBytes, originBytes }: TaskAccount): string {
  const parts = [
    ['from peers', peerBytes],
    ['from the supernode', supernodeBytes],
    ['from the registry', originBytes],
    ['from this disk', diskBytes],
  ] as const
  const texts = parts.filter(([, bytes]) => bytes > 0).map(([source, bytes]) => `${formatBytes(bytes)} ${source}`)
  return texts.join(', ') || 'nothing'
}
