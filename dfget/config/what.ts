import { Type } from 'typebox'

const group = 'What to download'

/** What a run is to download, and what makes it that content. */
export const WHAT_SETTINGS = {
  inputFile: Type.Optional(
    Type.String({
      group,
      short: '-i',
      placeholder: 'file',
      minLength: 1,
      description: 'file with further URLs, one a line; lines that begin with # are left out; - is standard input',
    }),
  ),
  recursive: Type.Boolean({
    group,
    short: '-r',
    default: false,
    description: 'download all files below a directory listing, an s3:// prefix or a file:// directory',
  }),
  include: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    group,
    aliases: ['include-files'],
    placeholder: 'glob',
    repeatable: true,
    default: [],
    description: 'of those, only files that match: *.bin by name, data/** by path; may be given several times',
  }),
  exclude: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
    group,
    placeholder: 'glob',
    repeatable: true,
    default: [],
    description: 'of those, leave out what matches, also what --include names; may be given several times',
  }),
  platform: Type.Optional(
    Type.String({
      group,
      placeholder: 'os/arch',
      pattern: '^[a-z0-9]+/[a-z0-9_.-]+(/[a-z0-9.-]+)?$',
      description: 'which entry of an oci:// index, as linux/amd64 (default: what this machine is)',
    }),
  ),
  range: Type.Optional(
    Type.String({
      group,
      placeholder: 'first-last',
      pattern: '^(\\d+-\\d*|-\\d+)$',
      description: 'only these bytes, counted from 0: 0-499, 500- or, the last ones, -500',
    }),
  ),
  digest: Type.Optional(
    Type.String({
      group,
      placeholder: 'digest',
      description: 'sha256:<hex> or sha512:<hex> that the content must have; a registry blob is checked without it',
    }),
  ),
  filter: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
    group,
    aliases: ['filtered-query-param'],
    placeholder: 'name',
    repeatable: true,
    default: [],
    description:
      'query parameter that does not change the content, besides those of presigned URLs; several as a&b or given several times',
  }),
  tag: Type.Optional(
    Type.String({
      group,
      placeholder: 'text',
      maxLength: 256,
      description: 'tells this content from that of the same URL under other tags',
    }),
  ),
  application: Type.Optional(
    Type.String({
      group,
      placeholder: 'name',
      maxLength: 256,
      description: 'for whom the content is; told apart like a tag',
    }),
  ),
}
