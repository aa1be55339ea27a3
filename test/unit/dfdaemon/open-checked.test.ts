import { expect, test } from 'vitest'
import { openChecked } from '../../../dfdaemon/proxy/open-checked.ts'
import type { OpenOptions } from '../../../dfget/peer/peer.ts'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import type { TaskContent } from '../../../dfget/peer/task/task-content.ts'
import { DamselflyError } from '../../../protocol/errors.ts'

const SOURCE = { url: 'http://origin.example/x', headers: {} }
const NEVER = new AbortController().signal
const WRONG = new DamselflyError('CONTENT_CORRUPT')
const FULL = new DamselflyError('STORE_FULL')

/** Opens content of 100 bytes that ends as told each time it is opened, and well after that. */
async function openEnding(ends: readonly Error[], { checkedFirstBytes = 100, shared = [] as number[] } = {}) {
  const opened: boolean[] = []
  const contents: TaskContent[] = []
  const peer = {
    async open(_source: unknown, { pastSwarm = false, mayRead }: OpenOptions) {
      if (shared.includes(opened.length)) await mayRead?.()
      const end = ends[opened.length]
      opened.push(pastSwarm)
      const content: TaskContent = {
        taskId: undefined,
        sizeBytes: 100,
        contentType: undefined,
        account: emptyAccount(),
        here: emptyAccount,
        settled: async () => end,
        async *read() {},
      }
      contents.push(content)
      return content
    },
  }
  const access = { check: async () => ({ sizeBytes: 100, validator: undefined }) }
  const opening = openChecked({ peer, access, checkedFirstBytes }, SOURCE, { signal: NEVER, background: undefined })
  const { content, isAsked } = await opening.catch(error => ({ content: error as unknown, isAsked: undefined }))
  return { content: contents.indexOf(content as TaskContent), error: content, isAsked, opened }
}

test.each([
  ['well', [], [false]],
  ['wrong once', [WRONG], [false, false]],
  ['wrong twice', [WRONG, WRONG], [false, false, false]],
  ['wrong through the swarm each time', [WRONG, WRONG, WRONG], [false, false, false, true]],
  ['not in the store', [FULL], [false, false]],
  ['wrong, then not in the store', [WRONG, FULL], [false, false]],
  ['not in the store again and again', [FULL, FULL, FULL], [false, false]],
])('content that comes %s is given as it comes then', async (_name, ends, tries) => {
  const { content, opened } = await openEnding(ends)
  expect(opened).toEqual(tries)
  expect(content).toBe(tries.length - 1)
})

test('content that is wrong past the swarm too is not given', async () => {
  const { error, opened } = await openEnding([WRONG, WRONG, WRONG, WRONG])
  expect(error).toBe(WRONG)
  expect(opened).toEqual([false, false, false, true])
})

test('content that is too long to be checked first is given at once', async () => {
  const { content, opened } = await openEnding([WRONG], { checkedFirstBytes: 99 })
  expect([content, opened]).toEqual([0, [false]])
})

test.each([
  [[], true],
  [[0], true],
  [[1], true],
  [[0, 1], false],
])('whether the origin was asked counts for all tries (for somebody else: %j)', async (shared, isAsked) => {
  expect(await openEnding([WRONG], { shared })).toMatchObject({ content: 1, isAsked })
})
