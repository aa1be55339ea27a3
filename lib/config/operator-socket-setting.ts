import { join } from 'node:path'
import { Type } from 'typebox'

/** Where whoever runs a program reaches it without a token. */
export const OperatorSocketSetting = Type.Optional(
  Type.String({
    placeholder: 'file',
    description:
      'Unix socket of the API for its owner, who may all there; its own commands use it; <program>.sock in the data directory unless given, none when empty',
  }),
)

/** The owner's socket of a program. @returns its path; empty for none */
export function operatorSocketOf(
  program: string,
  { operatorSocket, dataDir }: { readonly operatorSocket?: string; readonly dataDir: string },
): string {
  return operatorSocket ?? join(dataDir, `${program}.sock`)
}
