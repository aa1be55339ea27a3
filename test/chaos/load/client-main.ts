/*
 * The runtime of a node: node client-main.ts HUB NAME MIRROR REGISTRY. It pulls what it is told, some at a time, and reports.
 */
import pLimit from 'p-limit'
import { reportAt } from '../cluster/lines.ts'
import type { PullOrder } from './client-words.ts'
import { pullImage } from './pull-image.ts'

/** Pods that start on a node at once. */
const PULLS_AT_ONCE = 6

const [, , hubPath = '', name = '', mirrorUrl = '', registryUrl = ''] = process.argv
const limit = pLimit(PULLS_AT_ONCE)
const post = reportAt(hubPath, name, order => {
  void limit(async () => post.say(await pullImage({ mirrorUrl, registryUrl }, order as PullOrder)))
})
