import { expect, test } from 'vitest'
import type { PreheatedContent, PreheatedNode } from '../../../../protocol/messages/preheat-api.ts'
import { jobLines, jobsText } from '../../../../supernode/preheat-command/job-text.ts'
import { createPicture } from '../../../../supernode/preheat-command/picture.ts'
import { preheatJob, summaryOf } from '../../../helpers/fake-preheats.ts'

const MIB = 1024 * 1024
const job = preheatJob()
const NOW = job.createdAt + 65_000
const content: PreheatedContent = {
  task: null,
  name: 'layer 1 of 1',
  state: 'reading',
  sizeBytes: 64 * MIB,
  storedBytes: 32 * MIB,
  reason: null,
}

function node(name: string, changes: Partial<PreheatedNode> = {}): PreheatedNode {
  return {
    id: null,
    name,
    labels: {},
    ips: [],
    state: 'fetching',
    contentsDone: 0,
    storedBytes: 16 * MIB,
    reason: null,
    ...changes,
  }
}

test('a job that has not begun is a line', () => {
  expect(jobLines(job, NOW)).toEqual([
    'preheat 1: harbor.example.com/library/nginx:1.27 to all, pending after 1 min 05 s',
  ])
})

test('a job shows how far the supernode and the nodes are, those first that are not done', () => {
  const reason = { code: 'BLOCK_LATE', message: 'a block did not arrive in time' }
  const lines = jobLines(
    preheatJob({
      state: 'running',
      sizeBytes: 64 * MIB,
      contents: { done: 0, total: 1 },
      nodes: { done: 1, failed: 1, total: 3 },
      contentList: [content],
      nodeList: [
        node('n1', { state: 'done', storedBytes: 64 * MIB }),
        node('n2'),
        node('n3', { state: 'failed', reason }),
      ],
    }),
    NOW,
  )
  expect(lines).toEqual([
    'preheat 1: harbor.example.com/library/nginx:1.27 to all, running after 1 min 05 s',
    'supernode [############------------] 0 of 1 contents, 32.0 MiB of 64.0 MiB',
    'nodes     [############------------] 1 of 3 have all of it, 1 failed',
    '  n3   failed     25 %    a block did not arrive in time',
    '  n2   fetching   25 %',
    '  n1   done       100 %',
  ])
})

test('of many nodes some are shown, and what others have sent cannot move the cursor', () => {
  const lines = jobLines(
    preheatJob({
      name: 'a\u001b[2Jb',
      contents: { done: 0, total: 1 },
      contentList: [content],
      nodeList: Array.from({ length: 50 }, (_, at) => node(`n${at}`)),
    }),
    NOW,
  )
  expect(lines.at(-1)).toBe('  and 30 more')
  expect(lines.join()).not.toContain('\u001b')
})

test('jobs are a table', () => {
  expect(jobsText([summaryOf(job)], NOW)).toBe(
    'ID   STATE     WHAT                                    SCOPE   CONTENTS   NODES   STARTED\n' +
      '1    pending   harbor.example.com/library/nginx:1.27   all     0/0        0/0     1 min 05 s ago\n',
  )
  expect(jobsText([], NOW)).toContain('supernode preheat IMAGE')
})

test('a picture is drawn over on a terminal, and fits it', () => {
  const written: string[] = []
  const picture = createPicture({ write: text => written.push(text), isTTY: true, rows: 3, columns: 10 })
  picture.show(['a long line indeed', 'two', 'three', 'four'], false)
  picture.show(['one', 'two'], false)
  picture.show(['one', 'a long line indeed', 'three'], true)
  expect(written).toEqual([
    'a long li\ntwo\n',
    '\u001b[2A\u001b[Jone\ntwo\n',
    '\u001b[2A\u001b[Jone\na long line indeed\nthree\n',
  ])
})

test('elsewhere its beginning is written now and then, and all of it at the end', () => {
  const written: string[] = []
  const picture = createPicture({ write: text => written.push(text) })
  for (let round = 0; round < 21; round++) picture.show([`round ${round}`], false)
  picture.show(['end', 'of', 'all', 'four'], true)
  expect(written).toEqual(['round 0\n', 'round 20\n', 'end\nof\nall\nfour\n'])
})
