import { posix } from 'node:path'
import type { SourceTree } from './source-tree.ts'

/** Relative links of the pages that lead to no file of the tree, or to no heading of the page that they name. */
export function brokenLinks(pages: SourceTree, exists: (path: string) => boolean): string[] {
  return [...pages].flatMap(([page, text]) =>
    linksOf(text)
      .filter(link => !/^[a-z][a-z+.-]*:/i.test(link))
      .filter(link => !resolves(page, link, pages, exists))
      .map(link => `${page} links to ${link}`),
  )
}

/** The npm scripts that a page tells its reader to run. */
export function npmScriptsOf(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run (?:-s |--silent )?([a-z][\w:-]*)/g)].map(([, name = '']) => name)
  const short = [...text.matchAll(/\bnpm (start|test)\b/g)].map(([, name = '']) => name)
  return [...new Set([...named, ...short])]
}

/** The anchor under which a code host shows a heading. */
export function anchorOf(heading: string): string {
  const words = heading.replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, '$1').trim()
  return words
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}

function resolves(page: string, link: string, pages: SourceTree, exists: (path: string) => boolean): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : posix.join(posix.dirname(page), decodeURIComponent(path))
  if (!exists(target)) return false
  const text = pages.get(target)
  return anchor === undefined || text === undefined || anchorsOf(text).includes(anchor)
}

function linksOf(text: string): string[] {
  const prose = withoutCode(text).replaceAll(/`[^`\n]*`/g, '')
  const inline = [...prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)]
  const references = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)]
  const html = [...prose.matchAll(/\b(?:src|href)="([^"]+)"/g)]
  return [...inline, ...references, ...html].map(([, link = '']) => link)
}

function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => anchorOf(heading))
}

function withoutCode(text: string): string {
  return text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '')
}
