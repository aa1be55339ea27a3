/*
 * What programs of others import as `damselfly`. README.md beside this file shows it.
 */
export { DamselflyError, type ErrorCode } from '../protocol/errors.ts'
export { createPeer } from './library/create-peer.ts'
export type {
  Content,
  ContentAccount,
  ContentOptions,
  DownloadOptions,
  DownloadResult,
  Peer,
  PeerOptions,
  ReadOptions,
} from './library/peer.ts'
