import { type Static, Type } from 'typebox'

/** The settings of the small-file benchmark; the flags and their help come from here. */
export const SmallFileConfig = Type.Object(
  {
    blobs: Type.Integer({
      default: 50,
      minimum: 1,
      maximum: 1000,
      placeholder: 'n',
      description: 'how many blobs are pulled, each once',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type SmallFileConfig = Static<typeof SmallFileConfig>
