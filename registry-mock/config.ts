import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../protocol/errors.ts'

const text = (description: string, value?: string) =>
  Type.String({ description, ...(value === undefined ? {} : { default: value }) })

const auth = Type.Object(
  {
    mode: Type.Union([Type.Literal('none'), Type.Literal('basic'), Type.Literal('bearer')], {
      description: 'how requests under /v2/ prove who they are: none, basic or bearer',
      default: 'none',
    }),
    username: text('the only account', 'user'),
    password: text('password of the account', 'password'),
    tokenLifetimeSeconds: Type.Number({
      description: 'lifetime of a bearer token in seconds',
      default: 300,
      exclusiveMinimum: 0,
    }),
    anonymousPull: Type.Boolean({
      description: 'whether a bearer token that was asked for without credentials may pull',
      default: false,
    }),
  },
  { additionalProperties: false, default: {} },
)

const redirect = Type.Object(
  {
    enabled: Type.Boolean({
      description: 'answer GET of a blob with 307 to a signed URL on a second port',
      default: false,
    }),
    listen: text('host:port of the storage that redirects lead to', '127.0.0.1:0'),
    lifetimeSeconds: Type.Number({
      description: 'how long a signed URL is good, in seconds',
      default: 1200,
      exclusiveMinimum: 0,
    }),
  },
  { additionalProperties: false, default: {} },
)

const image = Type.Object(
  {
    repository: Type.Optional(text('repository of a generated image; without it none is generated')),
    tag: text('tag of the generated image', 'latest'),
    layers: Type.Integer({
      description: 'number of layers of the generated image',
      default: 8,
      minimum: 1,
      maximum: 127,
    }),
    size: Type.Integer({
      description: 'bytes of config and layers together, KiB, MiB and GiB are understood',
      default: 64 * 1024 * 1024,
      minimum: 1,
    }),
    seed: text('the same seed and sizes give the same image', 'damselfly'),
  },
  { additionalProperties: false, default: {} },
)

/** Every setting of registry-mock, with its default. */
export const registryMockSchema = Type.Object(
  {
    listen: text('host:port of the registry, port 0 picks a free one', '127.0.0.1:5000'),
    dataDir: Type.Optional(
      text('directory for pushed blobs, which are kept in memory without it; they go when the program stops'),
    ),
    bandwidthBytesPerSecond: Type.Optional(
      Type.Integer({ description: 'bytes per second of all answers together; no limit without it', minimum: 1 }),
    ),
    auth,
    redirect,
    image,
  },
  { additionalProperties: false },
)

/** The settings of one registry, complete. */
export type RegistryMockConfig = Static<typeof registryMockSchema>

/** Settings as a caller gives them: whatever is left out takes its default. */
export type RegistryMockSettings = {
  [Key in keyof RegistryMockConfig]?: RegistryMockConfig[Key] extends object
    ? Partial<RegistryMockConfig[Key]>
    : RegistryMockConfig[Key]
}

/** Fills settings in with defaults. @throws DamselflyError CONFIG_INVALID */
export function completeConfig(settings: RegistryMockSettings): RegistryMockConfig {
  const config = Value.Default(registryMockSchema, structuredClone(settings))
  const [problem] = Value.Errors(registryMockSchema, config)
  if (problem !== undefined) {
    throw new DamselflyError('CONFIG_INVALID', `${problem.instancePath.slice(1)} ${problem.message}`)
  }
  return config as RegistryMockConfig
}
