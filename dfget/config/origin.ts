import { Type } from 'typebox'

const group = 'Origin'

/** Settings that are the same for everybody who says nothing else. */
export const SOURCE_DEFAULTS = { timeout: 30 } as const

/** How origins are asked. */
export const ORIGIN_SETTINGS = {
  header: Type.Array(Type.String(), {
    group,
    short: '-H',
    placeholder: 'header',
    repeatable: true,
    default: [],
    description: "'Name: value' to send to the origin; may be given several times, in the environment one a line",
  }),
  userAgent: Type.Optional(
    Type.String({
      group,
      short: '-A',
      placeholder: 'name',
      minLength: 1,
      pattern: '^[\\x20-\\x7e]+$',
      description: 'what this program calls itself at the origin (default: damselfly)',
    }),
  ),
  cacert: Type.Optional(
    Type.String({
      group,
      placeholder: 'file',
      minLength: 1,
      description: "PEM file of certificates to trust besides the system's; a supernode has settings of its own",
    }),
  ),
  insecure: Type.Boolean({
    group,
    default: false,
    short: '-k',
    description: 'take any certificate of the origin; only a --digest then says whether the content is right',
  }),
  proxy: Type.Optional(
    Type.String({
      group,
      short: '-x',
      placeholder: 'url',
      pattern: '^https?://.+$',
      description: 'proxy for what this program itself reads (default: http_proxy, https_proxy and no_proxy)',
    }),
  ),
  timeout: Type.Number({
    group,
    default: SOURCE_DEFAULTS.timeout,
    exclusiveMinimum: 0,
    maximum: 86_400,
    placeholder: 'seconds',
    description: 'how long an origin may be silent, in seconds',
  }),
  retry: Type.Integer({
    group,
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
    placeholder: 'count',
    description: 'how often to try again what may pass: no connection, 408, 429, 5xx, a body that breaks off',
  }),
  plainHttp: Type.Boolean({
    group,
    default: false,
    description: 'reach the registries of oci:// without TLS; those of this machine always are',
  }),
  s3Endpoint: Type.Optional(
    Type.String({
      group,
      placeholder: 'url',
      pattern: '^https?://.+$',
      description: 'where s3:// buckets are (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon)',
    }),
  ),
  s3Region: Type.Optional(
    Type.String({
      group,
      placeholder: 'region',
      minLength: 1,
      description: 'region of s3:// buckets (default: AWS_REGION, AWS_DEFAULT_REGION, else us-east-1)',
    }),
  ),
}
