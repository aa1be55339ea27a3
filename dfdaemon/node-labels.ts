import { DamselflyError } from '../protocol/errors.ts'
import { LABEL_KEY, type Labels, MAX_LABEL_VALUE, MAX_LABELS } from '../protocol/messages/fields.ts'
import type { DfdaemonConfig } from './config.ts'

const KEY = new RegExp(LABEL_KEY)

/** All labels of a node, as its settings have them. @throws DamselflyError CONFIG_INVALID for one that is none, or that is there twice */
export function nodeLabels({ other, ...placed }: DfdaemonConfig['labels']): Labels {
  const labels = new Map(Object.entries(placed))
  for (const text of other) {
    const [key, value] = partsOf(text)
    if (labels.has(key)) throw invalid(`label "${key}" is there twice`)
    labels.set(key, value)
  }
  if (labels.size > MAX_LABELS) throw invalid(`a node has ${MAX_LABELS} labels at most`)
  return Object.fromEntries(labels)
}

function partsOf(text: string): [key: string, value: string] {
  const at = text.indexOf('=')
  const key = text.slice(0, Math.max(0, at))
  const value = text.slice(at + 1)
  if (KEY.test(key) && value.length <= MAX_LABEL_VALUE) return [key, value]
  throw invalid(
    `"${text}" is no label: expected KEY=VALUE, pool=gpu for example; a key has up to 64 of a-z, 0-9 and . _ / - inside, a value up to ${MAX_LABEL_VALUE} characters`,
  )
}

function invalid(problem: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `labels.other: ${problem}`)
}
