import { type Static, Type } from 'typebox'

/** The settings of the registrations benchmark; the flags and their help come from here. */
export const RegistrationsConfig = Type.Object(
  {
    rate: Type.Integer({
      default: 2_000,
      minimum: 10,
      maximum: 50_000,
      placeholder: 'n',
      description: 'registrations a second, sent whether or not those before are answered',
    }),
    seconds: Type.Integer({
      default: 30,
      minimum: 1,
      maximum: 600,
      placeholder: 'n',
      description: 'for how long, after a warm-up that does not count',
    }),
    warmUp: Type.Integer({
      default: 5,
      minimum: 0,
      maximum: 60,
      placeholder: 'seconds',
      description: 'for how long registrations are sent before those that count',
    }),
    identities: Type.Integer({
      default: 200,
      minimum: 1,
      maximum: 2_000,
      placeholder: 'n',
      description: 'peers that register, each with connections of its own',
    }),
    contents: Type.Integer({
      default: 200,
      minimum: 1,
      maximum: 2_000,
      placeholder: 'n',
      description: 'blobs that they register for',
    }),
    json: Type.Boolean({ default: false, description: 'end with one line of JSON on stdout; all else goes to stderr' }),
  },
  { additionalProperties: false },
)
export type RegistrationsConfig = Static<typeof RegistrationsConfig>
