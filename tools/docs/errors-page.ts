import type { ErrorEntry } from '../../protocol/errors.ts'
import { code, generatedFrom, markdownTable, page } from './markdown.ts'

/** docs/errors.md: one row for each row of the error table, in its order. */
export function errorsPage(errors: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(errors).map(([name, { status, retryable, message }]) => [
    code(name),
    String(status),
    retryable ? 'yes' : 'no',
    message,
  ])
  return page(
    '# Errors',
    generatedFrom('protocol/errors.ts'),
    'Every failure that Damselfly expects has one of these codes; registry routes answer it in the OCI error form, ' +
      'and the codes that the OCI distribution spec defines come first. "Retryable" says whether the same request may ' +
      'succeed when it is sent again later.',
    markdownTable(['Code', 'Status', 'Retryable', 'Meaning'], rows),
  )
}
