import { tuneHeap } from '../../../lib/tune-heap.ts'
import type { TransportName } from '../transport-names.ts'
import type { Transport } from './transport.ts'

/** Loads one transport and nothing of the others. */
export async function loadTransport(name: TransportName): Promise<Transport> {
  // As the programs do whose transport it is; the others run as Node comes.
  if (name === 'ours') tuneHeap()
  return LOAD[name]()
}

const LOAD: Readonly<Record<TransportName, () => Promise<Transport>>> = {
  ours: async () => (await import('./our-exchange.ts')).OUR_EXCHANGE,
  stock: async () => (await import('./stock-libp2p.ts')).STOCK_LIBP2P,
  https: async () => (await import('./plain-https.ts')).PLAIN_HTTPS,
  tcp: async () => (await import('./plain-tcp.ts')).PLAIN_TCP,
}
