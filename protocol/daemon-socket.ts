/** Where a dfdaemon listens for the programs of its own node, unless it is told otherwise, and where they look for it. */
export const DAEMON_SOCKET = '/run/damselfly/dfdaemon.sock'
