import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { DamselflyError } from '../../protocol/errors.ts'

/** How the certificate of one host is looked at. From an operator's configuration only, never from a peer or requester. */
export interface TlsSettings {
  /** PEM certificates that are trusted besides the system's. */
  readonly ca?: string | Buffer | undefined
  /** Whether any certificate will do. */
  readonly insecure?: boolean | undefined
}

/**
 * Reads the TLS settings of a host from what a configuration says.
 * @throws DamselflyError CONFIG_INVALID when the file cannot be read or holds no certificate
 */
export async function loadTlsSettings(configured: {
  readonly caFile?: string | undefined
  readonly insecure?: boolean | undefined
}): Promise<TlsSettings> {
  const { caFile, insecure = false } = configured
  if (caFile === undefined || caFile === '') return { insecure }
  try {
    const ca = await readFile(caFile, 'utf8')
    // Reads the first certificate; node:tls would ignore text without any.
    new X509Certificate(ca)
    return { ca, insecure }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new DamselflyError('CONFIG_INVALID', `${caFile} is not a readable file of PEM certificates (${code})`)
  }
}
