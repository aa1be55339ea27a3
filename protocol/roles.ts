/**
 * Who may do what over HTTP. `node`: a member of the cluster, which proves its PeerId. `local`: any program of the machine, which gets
 * content there. `viewer`: reads what is here and how it goes. `operator`: changes it, and may all that the others may.
 */
export const ROLES = ['node', 'local', 'viewer', 'operator'] as const
export type Role = (typeof ROLES)[number]
