/** Control stream between a peer and a supernode: block map growth and the plan down, inventory and reports up. */
export const CONTROL_PROTOCOL = '/damselfly/control/1.0.0'

/** Inventory stream between two neighbours: which blocks of which task each of them holds. */
export const INVENTORY_PROTOCOL = '/damselfly/inventory/1.0.0'

/** Block stream from the peer that asks to the peer that serves. */
export const BLOCK_PROTOCOL = '/damselfly/block/1.0.0'

/** How a connection is secured between two of ours: noise, and then records of AES-256-GCM. Others speak `/noise`. */
export const NOISE_RECORDS_PROTOCOL = '/damselfly/noise-records/1.0.0'

/** The same in a cluster that admits members only: records, and the ends show their credentials before anything else. */
export const MEMBER_RECORDS_PROTOCOL = '/damselfly/member-records/1.0.0'

/** Stream on which a node shows a connected one its renewed credential, and nothing else. */
export const MEMBERSHIP_PROTOCOL = '/damselfly/membership/1.0.0'
