import type { FetchListener } from '../../supernode/control/peer-listeners.ts'

/** For a director that has no peer fetch anything. */
export const NO_FETCHES: FetchListener = { linked() {}, gone() {}, fetched() {}, notFetched() {} }
