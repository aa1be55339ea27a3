/** The parts that are used of a package without types. */
declare module '@20minutes/s3rver' {
  import type { AddressInfo } from 'node:net'

  class S3rver {
    constructor(options: {
      readonly address: string
      readonly port: number
      readonly silent: boolean
      readonly directory: string
      readonly serviceEndpoint?: string
      readonly vhostBuckets: boolean
      readonly configureBuckets: readonly { readonly name: string }[]
    })
    readonly httpServer: import('node:http').Server
    run(): Promise<AddressInfo>
    close(): Promise<void>
  }
  export = S3rver
}
