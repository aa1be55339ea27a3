import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { ensurePrivateDirectory, writeFileAtomically } from '../../../lib/fs.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { PeerIdField } from '../../../protocol/messages/fields.ts'

/** What a node remembers of the cluster that it has joined. */
const JoinedCluster = Type.Object(
  {
    /** URL of the supernode. */
    supernode: Type.String({ minLength: 1 }),
    /** The cluster's Ed25519 public key, base64url. */
    clusterKey: Type.String({ minLength: 1 }),
    peerId: PeerIdField,
    /** The membership credential, base64url, and when it ends, in milliseconds since 1970. */
    credential: Type.String(),
    expiresAt: Type.Integer(),
  },
  { additionalProperties: false },
)
export type JoinedCluster = Static<typeof JoinedCluster>

const FILE = 'cluster.json'

/** @returns undefined for a node that has joined none. @throws DamselflyError CONFIG_INVALID for a file that is no such */
export async function readClusterFile(dataDir: string): Promise<JoinedCluster | undefined> {
  const path = join(dataDir, FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new DamselflyError('CONFIG_INVALID', `${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  const content = parse(text)
  if (Value.Check(JoinedCluster, content)) return content
  throw new DamselflyError('CONFIG_INVALID', `${path} is damaged; delete it and join the cluster again`)
}

/** @throws DamselflyError CONFIG_INVALID, STORE_FAILED */
export async function writeClusterFile(dataDir: string, joined: JoinedCluster): Promise<void> {
  await ensurePrivateDirectory(dataDir)
  const path = join(dataDir, FILE)
  try {
    await writeFileAtomically(path, `${JSON.stringify(joined, undefined, 2)}\n`, 0o600)
  } catch (error) {
    throw new DamselflyError('STORE_FAILED', `${path}: ${(error as Error).message}`, { cause: error })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
