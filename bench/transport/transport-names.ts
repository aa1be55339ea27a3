/** The transports that are compared, in the order in which they are measured. */
export const TRANSPORT_NAMES = ['ours', 'stock', 'https', 'tcp'] as const

export type TransportName = (typeof TRANSPORT_NAMES)[number]
