import { type Static, Type } from 'typebox'

/** What happens to requests whose URL an expression finds. */
export const InterceptRule = Type.Object(
  {
    regex: Type.String({ minLength: 1, description: 'regular expression, searched for in the whole URL' }),
    action: Type.Union([Type.Literal('p2p'), Type.Literal('direct'), Type.Literal('redirect')], {
      description:
        'p2p: through the swarm, direct: from the server that the client named, redirect: from another server',
    }),
    redirect: Type.Optional(
      Type.String({
        pattern: '^(?:https?://)?[^/?#@\\s]+$',
        description: 'the other server, as host, host:port or with its scheme; the scheme of the request by default',
      }),
    ),
    forwardCredentials: Type.Optional(
      Type.Boolean({
        description: "whether the other server gets the client's Authorization and Cookie; it does not by default",
      }),
    ),
  },
  { additionalProperties: false },
)
export type InterceptRule = Static<typeof InterceptRule>

/** The settings of the proxy that clients reach through `HTTP_PROXY` and `HTTPS_PROXY` (contracts §2.3). Off by default. */
export const InterceptConfig = Type.Object(
  {
    enabled: Type.Boolean({
      default: false,
      description: 'whether the mirror is also a proxy for HTTP_PROXY and HTTPS_PROXY',
    }),
    hosts: Type.Array(Type.String(), {
      default: [],
      description:
        'hosts whose HTTPS is decrypted here, as host, host:port or *.suffix; clients must trust intercept/ca.crt of the data directory',
    }),
    connect: Type.Object(
      {
        allow: Type.Array(Type.String(), {
          default: [],
          description:
            'further hosts that clients may reach, untouched: host, host:port, *.suffix, or * for all; nothing else is reached',
        }),
        ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), {
          default: [443],
          description: 'ports that clients may reach at hosts that are given without one; port 80 too, for plain http',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    rules: Type.Array(InterceptRule, {
      default: [],
      description:
        'what happens to requests; the first rule that fits counts, at the end blobs of registries go through the swarm and all else direct',
    }),
    renewCa: Type.Boolean({
      default: false,
      description:
        'make a new certificate authority when the present one does not cover the hosts or has run out, instead of refusing to start; clients must then be given the new certificate',
    }),
  },
  { additionalProperties: false, default: {} },
)
export type InterceptConfig = Static<typeof InterceptConfig>
