import { DamselflyError } from '../../../protocol/errors.ts'

/** A request that the outbound policy does not let out: DENIED, with a detail that says which setting allows it. */
export class OutboundRefusal extends DamselflyError {
  override readonly name: string = 'OutboundRefusal'

  constructor(reason: string) {
    super('DENIED', reason)
  }
}
