/** What a parent asks of its child process; see `children.ts`. */
export interface Question {
  readonly name: string
  readonly argument: unknown
}

/** An answer, apart from what else comes from a child. */
export interface Answer {
  readonly answer: unknown
}

/**
 * Answers the questions of the process that started this one, one after the other, and ends when that process does. An answer
 * that fails ends this process, with the error on stderr.
 */
export function answerParent(answers: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ name, argument }: Question) => {
    const answer = await answers[name]?.(argument as never)
    process.send?.({ answer } satisfies Answer)
  })
  process.once('disconnect', () => process.exit())
  // It may have gone while this process was loading.
  if (!process.connected) process.exit()
}
