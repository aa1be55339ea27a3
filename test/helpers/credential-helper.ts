import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes a credential helper into a directory, which a test puts on the PATH.
 * @param body shell commands; `$server` is the registry that was asked for, `$HELPER_LOG` a file that gets it appended
 */
export async function writeCredentialHelper(directory: string, name: string, body: string): Promise<void> {
  const path = join(directory, `docker-credential-${name}`)
  const script = `#!/bin/sh\n[ "$1" = get ] || exit 9\nserver=$(cat)\necho "$server" >> "$HELPER_LOG"\n${body}\n`
  await writeFile(path, script)
  await chmod(path, 0o755)
}

/** The shell command that prints an account as helpers do. */
export function printsAccount(username: string, secret: string): string {
  return `printf '%s' '${JSON.stringify({ ServerURL: 'x', Username: username, Secret: secret })}'`
}
