import { encodeMessageFrame, FrameDecoder } from '../../../protocol/frame.ts'
import type { MessageCodec } from '../../../protocol/messages/codec.ts'
import { nextBelow, type RandomState } from '../../../supernode/scheduler/random.ts'
import { mutateCbor } from '../engine/structure.ts'

/** Messages as they go over a stream. */
export function framed<Message>(codec: MessageCodec<Message>, messages: readonly Message[]): Uint8Array {
  return Buffer.concat(messages.map(message => encodeMessageFrame(codec.encode(message))))
}

/** What of bytes are messages, still encoded. */
export function messagesIn(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = []
  const decoder = new FrameDecoder({
    message: message => void messages.push(Uint8Array.from(message)),
    dataStart: () => undefined,
    dataEnd() {},
    dataCut() {},
  })
  try {
    decoder.push(bytes)
  } catch {
    // What is not well-formed ends them.
  }
  return messages
}

/** Changes what one of some messages says, their order, or how many there are. */
export function mutateFrames(random: RandomState, input: Uint8Array): Uint8Array | undefined {
  const messages = messagesIn(input)
  const at = nextBelow(random, messages.length)
  const chosen = messages[at]
  if (chosen === undefined) return undefined
  const changed = (): Uint8Array[] => {
    switch (nextBelow(random, 5)) {
      case 0:
        return messages.toSpliced(at, 1)
      case 1:
        return messages.toSpliced(nextBelow(random, messages.length + 1), 0, chosen)
      case 2:
        return messages.toSpliced(at, 1).toSpliced(nextBelow(random, messages.length), 0, chosen)
      default:
        return messages.with(at, mutateCbor(random, chosen) ?? chosen)
    }
  }
  return Buffer.concat(changed().map(message => encodeMessageFrame(message)))
}
