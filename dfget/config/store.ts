import { Type } from 'typebox'

const group = 'Store'

/** Where a run keeps blocks. */
export const STORE_SETTINGS = {
  dataDir: Type.Optional(
    Type.String({
      group,
      placeholder: 'dir',
      minLength: 1,
      description:
        'directory for verified blocks and the key of this peer, kept for later downloads; one process at a time uses ' +
        'it (default: one for each URL in the user cache, removed when the download is complete)',
    }),
  ),
  hardLink: Type.Boolean({
    group,
    aliases: ['force-hard-link'],
    default: false,
    description:
      'make the file a hard link into --data-dir where it cannot be a reflink; do not change such a file in place, since ' +
      'other peers are served from it (always done for a store that ends with the download)',
  }),
}
