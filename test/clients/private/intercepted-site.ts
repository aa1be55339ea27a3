import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeCertificateAuthority, makeLeaf } from '../../../dfdaemon/intercept/certificates.ts'
import type { CertificateAndKey } from '../../../lib/tls/certificate.ts'
import { type Bench, createBench } from '../bench.ts'
import type { Surroundings } from '../programs.ts'
import { type DockerRegistry, startDockerRegistry } from '../runtimes/docker-registry.ts'
import type { RegistryLogin } from '../runtimes/runtime.ts'
import { type Front, startFront } from './front.ts'

/** Registries that clients reach by https only, with what it takes to find and to trust them. */
export interface InterceptedSite extends AsyncDisposable {
  readonly bench: Bench
  /** `harbor.example`: a Harbor, whose storage is at port 8443. */
  readonly harbor: Front
  /** `registry-1.docker.io` with tokens from `auth.docker.io`. */
  readonly hub: Front
  /** `basic.example`: docker-registry with htpasswd. */
  readonly basic: DockerRegistry
  /** For programs that have to reach them. */
  readonly surroundings: Surroundings
}

/** The hosts whose connections have to be intercepted. */
export const INTERCEPTED_HOSTS = ['harbor.example', 'registry-1.docker.io', 'auth.docker.io', 'basic.example']

const HUB_REALM = 'https://auth.docker.io/token'
const HOUR_MS = 3_600_000

/**
 * Starts the registries on nodes of their own; all show the content of the bench's registry.
 * @param login the account at all of them
 * @param htpasswd the same for docker-registry
 */
export async function startInterceptedSite(login: RegistryLogin, htpasswd: string): Promise<InterceptedSite> {
  const bench = await createBench()
  const validity = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS }
  const authority = await makeCertificateAuthority(INTERCEPTED_HOSTS, validity)
  const certificateOf = (host: string) => makeLeaf(authority, host, validity)
  const [harborNode, hubNode, basicNode] = await Promise.all([bench.addNode(), bench.addNode(), bench.addNode()])
  const registryUrl = bench.registry.url
  const accounts = [{ ...login, pulls: ['library/'] }]

  async function startHarborFront(): Promise<Front> {
    return await startFront(harborNode, await bench.directory('harbor'), {
      listen: `${harborNode.address}:443`,
      storageListen: `${harborNode.address}:8443`,
      certificates: { 'harbor.example': await certificateOf('harbor.example') },
      ...{ registryUrl, accounts },
    })
  }

  async function startHubFront(): Promise<Front> {
    const certificates: Record<string, CertificateAndKey> = {}
    for (const host of ['registry-1.docker.io', 'auth.docker.io']) certificates[host] = await certificateOf(host)
    return await startFront(hubNode, await bench.directory('hub'), {
      listen: `${hubNode.address}:443`,
      storageListen: `${hubNode.address}:8443`,
      ...{ certificates, registryUrl, accounts },
      bearer: {
        '*': {
          ...{ registryUrl, accounts, tokenLifetimeSeconds: 300, realm: HUB_REALM },
          tokens: { methods: ['GET', 'POST'], names: ['token', 'access_token'], expiresInSeconds: 300 },
        },
      },
    })
  }

  async function startBasicRegistry(): Promise<DockerRegistry> {
    const directory = await bench.directory('basic')
    const [path, certificate, key] = ['htpasswd', 'tls.crt', 'tls.key'].map(name => join(directory, name)) as [
      string,
      string,
      string,
    ]
    const leaf = await certificateOf('basic.example')
    await Promise.all([writeFile(path, htpasswd), writeFile(certificate, leaf.certificate), writeFile(key, leaf.key)])
    return await startDockerRegistry(basicNode, directory, {
      port: 443,
      storageDirectory: bench.registry.storageDirectory,
      settings: {
        http: { addr: `${basicNode.address}:443`, draintimeout: '10s', tls: { certificate, key } },
        auth: { htpasswd: { realm: 'basic', path } },
      },
    })
  }

  const [harbor, hub, basic] = await Promise.all([startHarborFront(), startHubFront(), startBasicRegistry()])
  const caFile = join(await bench.directory('ca'), 'ca.crt')
  await writeFile(caFile, authority.certificate)
  const addresses = [harborNode.address, hubNode.address, hubNode.address, basicNode.address]
  const hosts = Object.fromEntries(INTERCEPTED_HOSTS.map((host, index) => [host, addresses[index] ?? '']))
  return {
    bench,
    harbor: bench.use(harbor),
    hub: bench.use(hub),
    basic: bench.use(basic),
    surroundings: { hosts, environment: { NODE_EXTRA_CA_CERTS: caFile } },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}
