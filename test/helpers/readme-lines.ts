import { readFile } from 'node:fs/promises'

/** The shell lines that README shows under a heading. @throws Error when there are none */
export async function readmeLines(heading: string): Promise<string[]> {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const section = text.split(/^#+ /m).find(part => part.startsWith(`${heading}\n`))
  const block = /```sh\n(?<lines>[\s\S]+?)```/.exec(section ?? '')?.groups?.lines
  if (block === undefined) throw new Error(`README shows no shell lines under "${heading}"`)
  return block.trim().split('\n')
}
