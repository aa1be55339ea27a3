import { type Static, Type } from 'typebox'
import { DamselflyError } from '../protocol/errors.ts'
import { parseImageReference } from '../protocol/image-reference.ts'

/** The registry refuses to generate an image with less for each layer, because a layer is a tar archive. */
const MIN_BYTES_PER_LAYER = 8 * 1024
const MIN_IMAGE_BYTES = 64 * 1024

/** The settings of `npm start`; the flags and their help come from here. */
export const TrialConfig = Type.Object(
  {
    nodes: Type.Integer({
      default: 5,
      minimum: 1,
      maximum: 64,
      placeholder: 'n',
      description: 'how many nodes pull at once, each a process of its own',
    }),
    image: Type.Optional(
      Type.String({
        placeholder: 'ref',
        description: 'pull this image, host/repository:tag, from its registry instead of a generated one',
      }),
    ),
    size: Type.Integer({
      default: 256 * 1024 * 1024,
      minimum: MIN_IMAGE_BYTES,
      placeholder: 'bytes',
      description: 'size of the generated image, as 256MiB; KiB, MiB and GiB are understood',
    }),
    layers: Type.Integer({
      default: 12,
      minimum: 1,
      maximum: 127,
      placeholder: 'n',
      description: 'layers of the generated image',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
    keep: Type.Boolean({ default: false, description: 'leave everything running afterwards, until Ctrl-C' }),
  },
  { additionalProperties: false },
)
export type TrialConfig = Static<typeof TrialConfig>

/** Checks what the schema cannot say. @throws DamselflyError CONFIG_INVALID */
export function checkTrialConfig({ image, layers, size }: TrialConfig): void {
  if (image !== undefined) {
    parseImageReference(image)
    return
  }
  if (size >= layers * MIN_BYTES_PER_LAYER) return
  const needed = `${(layers * MIN_BYTES_PER_LAYER) / 1024}KiB`
  throw new DamselflyError('CONFIG_INVALID', `an image of ${layers} layers has a size of at least ${needed}`)
}
