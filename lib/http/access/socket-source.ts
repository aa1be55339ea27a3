import type { Socket } from 'node:net'
import type { Role } from '../../../protocol/roles.ts'
import type { IdentitySource } from './identity-source.ts'

/** On a connection that came by a Unix socket. */
const ROLE: unique symbol = Symbol('role')

/** Notes that a connection came by a Unix socket whose file mode lets in only those who have a role. */
export function markSocket(socket: Socket, role: Role): void {
  Object.assign(socket, { [ROLE]: role })
}

/** The file mode of a Unix socket says who may connect. */
export const socketSource: IdentitySource = {
  identify({ socket }) {
    const { [ROLE]: role } = socket as { readonly [ROLE]?: Role }
    return role === undefined ? undefined : { kind: 'socket', id: role, roles: new Set([role]) }
  },
}
