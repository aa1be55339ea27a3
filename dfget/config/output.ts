import { Type } from 'typebox'

const group = 'Output'

/** Where content goes, and what becomes of what is there. */
export const OUTPUT_SETTINGS = {
  output: Type.Optional(
    Type.String({
      group,
      short: '-O',
      aliases: ['o', 'output-document'],
      placeholder: 'file',
      minLength: 1,
      description: "where to write; - is standard output (default: the URL's last path segment, in this directory)",
    }),
  ),
  continue: Type.Boolean({
    group,
    short: '-c',
    default: false,
    description: 'go on behind what is in the file already, as left by curl or wget, once its end is found to be right',
  }),
  skipExisting: Type.Boolean({
    group,
    aliases: ['no-clobber'],
    default: false,
    description: 'leave out what is there already under its name',
  }),
  overwrite: Type.Boolean({ group, default: false, description: 'replace an existing file' }),
}
