/** The URL without the version that tools of Dragonfly v1 may put in front of every path, as in `/v1.0.6/version`. */
export function withoutV1Prefix(url: string): string {
  return url.replace(/^\/v\d[\d.]*(?=\/)/, '')
}
