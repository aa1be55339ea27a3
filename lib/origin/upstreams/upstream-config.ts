import { type Static, Type } from 'typebox'
import { RegistryAccount } from '../credentials/configured-credentials.ts'

const access = {
  account: Type.Optional(RegistryAccount),
  caFile: Type.Optional(Type.String({ description: 'PEM file with certificates to trust beside the usual ones' })),
  insecure: Type.Optional(Type.Boolean({ description: 'whether to accept any certificate' })),
}

/** A copy of a registry that is read before the registry itself. */
export const MirrorConfig = Type.Object(
  {
    url: Type.String({
      description:
        'where the mirror answers; /v2 is put behind a path, unless the path names its place: https://harbor.example/v2/hub',
    }),
    ns: Type.Optional(
      Type.Boolean({
        description: 'whether the mirror is told the registry as ?ns=, as containerd does; it is by default',
      }),
    ),
    ...access,
  },
  { additionalProperties: false },
)
export type MirrorConfig = Static<typeof MirrorConfig>

/** How a registry is reached, by whichever program reads it. */
export const UpstreamConfig = Type.Object(
  {
    url: Type.Optional(
      Type.String({ pattern: '^https?://[^/?#]+/?$', description: 'where the registry answers, without a path' }),
    ),
    ...access,
    mirrors: Type.Optional(Type.Array(MirrorConfig, { description: 'where its content is read first, in this order' })),
  },
  { additionalProperties: false },
)
export type UpstreamConfig = Static<typeof UpstreamConfig>

/** Upstreams by the registry's name in image references. */
export type UpstreamConfigs = Readonly<Record<string, UpstreamConfig>>

/** Which registries are served. */
export const ServedRegistries = Type.Object(
  {
    allow: Type.Array(Type.String(), {
      default: [],
      description: 'registries that are served, as patterns with *; all where none is named',
    }),
    deny: Type.Array(Type.String(), {
      default: [],
      description: 'registries that are not served, as patterns with *',
    }),
  },
  { additionalProperties: false, default: {} },
)

/** Patterns with `*` of the registries that are served: none that is denied and, where any is allowed, only those. */
export interface ServedRegistries {
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}
