import { readFile } from 'node:fs/promises'

/** The shell lines that README shows under a heading. @throws Error when there are none */
export function readmeLines(heading: string): Promise<string[]> {
  return pageLines('README.md', heading)
}

/** The shell lines that a page shows under a heading. @param page from the repository's root @throws Error when there are none */
export async function pageLines(page: string, heading: string): Promise<string[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), 'utf8')
  const section = text.split(/^#+ /m).find(part => part.startsWith(`${heading}\n`))
  const block = /```sh\n(?<lines>[\s\S]+?)```/.exec(section ?? '')?.groups?.lines
  if (block === undefined) throw new Error(`${page} shows no shell lines under "${heading}"`)
  return block.trim().split('\n')
}
