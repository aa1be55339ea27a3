import { DamselflyError } from '../../protocol/errors.ts'

/** What is to be continued is not the beginning of the content: no other try will mend that. */
export class OtherFileError extends DamselflyError {
  override readonly name = 'OtherFileError'

  /** @param why it cannot be, `has other bytes` */
  constructor(why: string) {
    super(
      'OUTPUT_FAILED',
      `what is in the file is not the beginning of this content: it ${why}; --overwrite replaces it, --output names another`,
    )
  }
}
