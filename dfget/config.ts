import { type Static, Type } from 'typebox'
import { LOG_LEVELS } from '../lib/logger.ts'
import { PeerLimitsConfig } from './peer/exchange/limits-config.ts'

/** The settings of dfget. Flags, environment variables and docs/configuration.md come from here. */
export const DfgetConfig = Type.Object(
  {
    output: Type.Optional(
      Type.String({
        group: 'Output',
        short: '-O',
        placeholder: 'file',
        minLength: 1,
        description: "where to write; - is standard output (default: the URL's last path segment, in this directory)",
      }),
    ),
    inputFile: Type.Optional(
      Type.String({
        group: 'What to download',
        short: '-i',
        placeholder: 'file',
        minLength: 1,
        description: 'file with further URLs, one a line; lines that begin with # are left out; - is standard input',
      }),
    ),
    maxConcurrent: Type.Integer({
      group: 'Limits',
      default: 8,
      minimum: 1,
      maximum: 256,
      placeholder: 'count',
      description: 'how many of several URLs are downloaded at once',
    }),
    skipExisting: Type.Boolean({
      group: 'Output',
      default: false,
      description: 'leave out what is there already under its name',
    }),
    overwrite: Type.Boolean({ group: 'Output', default: false, description: 'replace an existing file' }),
    header: Type.Array(Type.String(), {
      group: 'Origin',
      short: '-H',
      placeholder: 'header',
      repeatable: true,
      default: [],
      description: "'Name: value' to send to the origin; may be given several times, in the environment one a line",
    }),
    userAgent: Type.Optional(
      Type.String({
        group: 'Origin',
        short: '-A',
        placeholder: 'name',
        minLength: 1,
        pattern: '^[\\x20-\\x7e]+$',
        description: 'what this program calls itself at the origin (default: damselfly)',
      }),
    ),
    cacert: Type.Optional(
      Type.String({
        group: 'Origin',
        placeholder: 'file',
        minLength: 1,
        description: "PEM file of certificates to trust besides the system's; a supernode has settings of its own",
      }),
    ),
    insecure: Type.Boolean({
      group: 'Origin',
      default: false,
      short: '-k',
      description: 'take any certificate of the origin; only a --digest then says whether the content is right',
    }),
    timeout: Type.Number({
      group: 'Origin',
      default: 30,
      exclusiveMinimum: 0,
      maximum: 86_400,
      placeholder: 'seconds',
      description: 'how long an origin may be silent, in seconds',
    }),
    digest: Type.Optional(
      Type.String({
        group: 'What to download',
        placeholder: 'digest',
        description: 'sha256:<hex> or sha512:<hex> that the content must have; a registry blob is checked without it',
      }),
    ),
    supernode: Type.String({
      group: 'Swarm',
      default: '',
      placeholder: 'url',
      pattern: '^(https?://.+)?$',
      description: 'URL of the supernode; without one the content comes from its origin',
    }),
    dataDir: Type.Optional(
      Type.String({
        group: 'Store',
        placeholder: 'dir',
        minLength: 1,
        description:
          'directory for verified blocks and the key of this peer, kept for later downloads; one process at a time uses ' +
          'it (default: one for each URL in the user cache, removed when the download is complete)',
      }),
    ),
    hardLink: Type.Boolean({
      group: 'Store',
      default: false,
      description:
        'make the file a hard link into --data-dir where it cannot be a reflink; do not change such a file in place, since ' +
        'other peers are served from it (always done for a store that ends with the download)',
    }),
    p2p: Type.Object(
      {
        listen: Type.Array(Type.String({ pattern: '^/' }), {
          default: ['/ip4/127.0.0.1/tcp/0'],
          placeholder: 'multiaddrs',
          description: 'multiaddrs to listen on for peers',
        }),
      },
      { additionalProperties: false, default: {}, group: 'Swarm' },
    ),
    limits: Type.Object(PeerLimitsConfig.properties, { additionalProperties: false, default: {}, group: 'Limits' }),
    linger: Type.Number({
      group: 'Swarm',
      default: 0,
      minimum: 0,
      maximum: 1_000_000,
      placeholder: 'seconds',
      description: 'how long to serve other peers after the download, in seconds',
    }),
    quiet: Type.Boolean({ group: 'This run', default: false, description: 'print nothing but errors' }),
    json: Type.Boolean({
      group: 'This run',
      default: false,
      description: 'print one JSON object as the last line of standard output',
    }),
    logLevel: Type.Union(
      LOG_LEVELS.map(level => Type.Literal(level)),
      {
        group: 'This run',
        default: 'silent',
        placeholder: 'level',
        description: `what to log on standard error, one of ${LOG_LEVELS.join(', ')}`,
      },
    ),
  },
  { additionalProperties: false },
)
export type DfgetConfig = Static<typeof DfgetConfig>
