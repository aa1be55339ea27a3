import { join } from 'node:path'
import { createTokenClient } from '../../lib/http/access/tokens/token-client.ts'
import { type ApiEndpoint, socketEndpoint } from '../../lib/http/client/api-endpoint.ts'
import type { MadeToken } from '../../protocol/messages/token-api.ts'

/** The API of a running program for its owner. */
export function ownersApi(program: 'supernode' | 'dfdaemon', dataDir: string): ApiEndpoint {
  return socketEndpoint(join(dataDir, `${program}.sock`))
}

/** Has a supernode make a token with which any number of nodes may join. */
export async function joinToken(supernode: { readonly dataDir: string }): Promise<string> {
  return (await makeToken(supernode, { role: 'node', uses: 0 })).token
}

/** Has a supernode make a token. */
export function makeToken(
  { dataDir }: { readonly dataDir: string },
  request: Parameters<ReturnType<typeof createTokenClient>['create']>[0],
): Promise<MadeToken> {
  return createTokenClient(ownersApi('supernode', dataDir), 'SUPERNODE_UNREACHABLE').create(request)
}
