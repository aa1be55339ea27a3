import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate that signs itself, with its key, both PEM. */
export interface SelfSigned {
  readonly cert: string
  readonly key: string
}

const SEQUENCE = 0x30
const SET = 0x31
const ECDSA_WITH_SHA256 = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))

/** Makes a certificate for `127.0.0.1`, good for an hour (RFC 5280, in the little of it that node:tls looks at). */
export function createSelfSigned(): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Certificates that differ need names that differ: verification looks for an issuer by its name.
  const subject = `test ${randomBytes(8).toString('hex')}`
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(subject)))))
  const now = Date.now()
  const hourMs = 3_600_000
  const loopback = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])))
  const altNames = der(SEQUENCE, oid(0x55, 0x1d, 0x11), der(0x04, loopback))
  const body = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, time(now - hourMs), time(now + hourMs)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, altNames)),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
  const certificate = der(SEQUENCE, body, ECDSA_WITH_SHA256, signature).toString('base64')
  const lines = certificate.match(/.{1,64}/g)?.join('\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A value in DER: tag, length, content. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes))
}

function time(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, '')
  return der(0x18, Buffer.from(digits))
}
