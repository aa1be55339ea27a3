import type { CommandNode } from './command-tree.ts'

/** The name of a command's function in a script: `_dfdaemon_store_ls`. */
export function functionName({ path }: CommandNode): string {
  return `_${path.replaceAll(/\W/g, '_')}`
}

/** Text as one word of bash and zsh. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Text as one word of fish. */
export function fishQuote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`
}
