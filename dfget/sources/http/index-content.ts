/** What an index page lists, in its order. */
export interface IndexEntry {
  /** As it stands in the page. */
  readonly href: string
  readonly sizeBytes?: number | undefined
}

/** What links of a page are relative to, by the page itself, and its links. */
export interface IndexContent {
  /** Of `<base href>`, as it stands there. */
  readonly base?: string | undefined
  readonly entries: readonly IndexEntry[]
}
