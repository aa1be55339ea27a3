/** Paths of ours that begin as a version of v1's does. */
const OURS = /^\/v1\/preheats(?=[/?]|$)/

/** The URL without the version that tools of Dragonfly v1 may put in front of every path, as in `/v1.0.6/version`. */
export function withoutV1Prefix(url: string): string {
  return OURS.test(url) ? url : url.replace(/^\/v\d[\d.]*(?=\/)/, '')
}
