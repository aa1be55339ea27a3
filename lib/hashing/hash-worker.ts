/*
 * The program of a hash thread. Answers each task with its id and, where there is one, the result.
 */
import { parentPort } from 'node:worker_threads'
import { blockDigestOf } from '../../protocol/block-map.ts'
import { createDigester, type Digester } from '../../protocol/digest.ts'
import type { HashAnswer, HashTask } from './hash-messages.ts'

const digesters = new Map<number, Digester>()

parentPort?.on('message', (task: HashTask) => {
  const answer: HashAnswer = { id: task.id, result: work(task) }
  parentPort?.postMessage(answer)
})

function work(task: HashTask): HashAnswer['result'] {
  switch (task.type) {
    case 'block':
      return blockDigestOf(task.bytes)
    case 'update': {
      const digester = digesters.get(task.digester) ?? createDigester(task.algorithm)
      digesters.set(task.digester, digester)
      digester.update(task.bytes)
      return undefined
    }
    case 'digest': {
      const digester = digesters.get(task.digester) ?? createDigester(task.algorithm)
      digesters.delete(task.digester)
      return digester.digest()
    }
    case 'abandon':
      digesters.delete(task.digester)
      return undefined
  }
}
