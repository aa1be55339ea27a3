import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { localUrl } from '../../../lib/http/local-url.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { DfdaemonConfig } from '../../config.ts'
import type { PlanRequest } from './plan.ts'

const REGISTRY = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** The options of `dfdaemon install` as they were given. */
export interface InstallOptions {
  readonly mirror?: string | undefined
  readonly registry?: readonly string[] | undefined
  /** Path of a PEM file, not below the root. */
  readonly ca?: string | undefined
  readonly editContainerdConfig?: boolean | undefined
}

/** Checks what was asked for. @throws DamselflyError CONFIG_INVALID */
export async function installRequest(
  { mirror, registry = [], ca, editContainerdConfig = false }: InstallOptions,
  config: Pick<DfdaemonConfig, 'listen' | 'upstreams'>,
): Promise<PlanRequest> {
  return {
    mirror: mirror === undefined ? localUrl(config.listen, '--mirror') : parseMirror(mirror),
    registries: [...new Set(registry.map(name => parseRegistry(name, '--registry')))],
    knownRegistries: Object.keys(config.upstreams).map(name => parseRegistry(name, 'upstreams')),
    caPem: ca === undefined ? undefined : await readCertificates(ca),
    editContainerdConfig,
  }
}

/** dockerd before 25 refuses to start with a path in it, so none may be given. */
function parseMirror(text: string): string {
  const url = URL.parse(text)
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`
  if (!isPlain) throw new DamselflyError('CONFIG_INVALID', `--mirror "${text}" is not http://HOST:PORT without a path`)
  return url.origin
}

function parseRegistry(text: string, source: string): string {
  const name = text.toLowerCase()
  if (REGISTRY.test(name)) return name
  throw new DamselflyError('CONFIG_INVALID', `"${text}" from ${source} is not a registry; expected HOST or HOST:PORT`)
}

/** Only the certificates of the file, so that a key beside them stays where it is. */
async function readCertificates(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `--ca ${file}: ${(error as Error).message}`, { cause: error })
  }
  const certificates = text.match(CERTIFICATE) ?? []
  if (certificates.length === 0)
    throw new DamselflyError('CONFIG_INVALID', `--ca ${file} holds no certificate in PEM form`)
  for (const certificate of certificates) checkCertificate(certificate, file)
  return `${certificates.join('\n')}\n`
}

function checkCertificate(pem: string, file: string): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `--ca ${file} holds a certificate that cannot be read`, { cause: error })
  }
}
