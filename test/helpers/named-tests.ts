/** A test that a page names: `` `test/a.test.ts`: "title" ``. */
export interface NamedTest {
  readonly file: string
  /** As it is written in the source, with its placeholders. */
  readonly title: string
}

/** The tests that a page names. */
export function namedTests(page: string): NamedTest[] {
  return [...page.matchAll(/`(test\/[\w./-]+\.test\.ts)`: "([^"]+)"/g)].map(([, file = '', title = '']) => ({
    file,
    title,
  }))
}

/** What is wrong with the tests that a page names, and where it promises one that nobody has written. */
export function namedTestProblems(page: string, sourceOf: (file: string) => string | undefined): string[] {
  const missing = namedTests(page).flatMap(({ file, title }) => {
    const source = sourceOf(file)
    if (source === undefined) return [`${file} does not exist`]
    return isTitleIn(source, title) ? [] : [`${file} has no test "${title}"`]
  })
  const promised = [...page.matchAll(/TODO: [^|\n]+/g)].map(([text]) => text.trim())
  // Of a table every line that is not its head ends with a test.
  const bare = page.split('\n').filter(line => /^\| R\d+ /.test(line) && !/TODO: |"[^"]+" \|$/.test(line))
  return [...missing, ...promised, ...bare.map(line => `no test is named: ${line}`)]
}

/** As a quoted text, since a title may be a part of another. */
function isTitleIn(source: string, title: string): boolean {
  return [`'${title.replaceAll("'", "\\'")}'`, `"${title}"`, `\`${title}\``].some(quoted => source.includes(quoted))
}
