import { randomBytes } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { byteStream } from '@libp2p/utils'
import { NOISE_RECORDS_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import { HandshakeStream } from './handshake-stream.ts'
import { LARGEST_BYTES } from './record-decoder.ts'
import { RecordKeys, SECRET_BYTES } from './record-keys.ts'
import { RecordStream } from './record-stream.ts'
import { SpareMemory } from './spare-memory.ts'

/** Noise's messages that come in until both ends have both secrets: the handshake is XX, and each secret is one more. */
const MESSAGES_TO_INITIATOR = 2
const MESSAGES_TO_RESPONDER = 3

type NoiseFactory = ReturnType<typeof noise>

/**
 * Noise as libp2p knows it proves who is at the other end; then the ends tell each other a secret each through the encrypted
 * connection, make keys of both, and go on with records of AES-256-GCM (docs/decisions/0011).
 * @param protocol what this is called; a handshake fails between ends that call it by different names
 */
export function noiseRecords(
  protocol = NOISE_RECORDS_PROTOCOL,
): (components: Parameters<NoiseFactory>[0]) => ConnectionEncrypter {
  const prologueBytes = new TextEncoder().encode(protocol)
  return components => {
    const memory = new SpareMemory(LARGEST_BYTES)
    const handshakes = noise({ prologueBytes })(components) as ConnectionEncrypter
    return {
      protocol,
      secureOutbound(connection, options) {
        const handshake = new HandshakeStream(connection, MESSAGES_TO_INITIATOR)
        return takeOver(
          { connection, handshake, initiates: true, memory },
          handshakes.secureOutbound(handshake, options),
          options,
        )
      },
      secureInbound(connection, options) {
        const handshake = new HandshakeStream(connection, MESSAGES_TO_RESPONDER)
        return takeOver(
          { connection, handshake, initiates: false, memory },
          handshakes.secureInbound(handshake, options),
          options,
        )
      },
    }
  }
}

interface TakeOver {
  readonly connection: MessageStream
  readonly handshake: HandshakeStream
  readonly initiates: boolean
  readonly memory: SpareMemory
}

async function takeOver(
  { connection, handshake, initiates, memory }: TakeOver,
  securing: Promise<SecuredConnection>,
  options: SecureConnectionOptions | undefined,
): Promise<SecuredConnection> {
  const secured = await securing
  const channel = byteStream(secured.connection)
  const ours = randomBytes(SECRET_BYTES)
  await channel.write(ours, options)
  const theirs = (await channel.read({ ...options, bytes: SECRET_BYTES })).subarray()
  channel.unwrap()
  const secrets = Buffer.concat(initiates ? [ours, theirs] : [theirs, ours])
  const records = new RecordStream({
    connection,
    handshake,
    sending: new RecordKeys(secrets, initiates ? 'from-initiator' : 'from-responder'),
    receiving: new RecordKeys(secrets, initiates ? 'from-responder' : 'from-initiator'),
    memory,
  })
  return { ...secured, connection: records }
}
