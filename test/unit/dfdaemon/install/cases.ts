import type { PlanRequest, RuntimeName } from '../../../../dfdaemon/node/install/plan.ts'

/** A machine before an install, and the install. */
export interface InstallCase {
  readonly name: string
  readonly runtime: RuntimeName
  readonly files: Readonly<Record<string, string>>
  readonly request?: Partial<PlanRequest>
}

const CA_PEM = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

/** Every runtime on an empty machine and on one that is configured already, with few and with many files. */
export const INSTALL_CASES: readonly InstallCase[] = [
  { name: 'docker, fresh', runtime: 'docker', files: {} },
  {
    name: 'docker, configured, with a certificate',
    runtime: 'docker',
    files: {
      '/etc/docker/daemon.json': '{\n    "log-driver": "journald",\n    "registry-mirrors": ["https://hub.example"]\n}',
      '/etc/docker/certs.d/ghcr.io/ca.crt': 'old',
      '/usr/local/share/ca-certificates/other.crt': 'other',
    },
    request: { registries: ['docker.io', 'ghcr.io'], caPem: CA_PEM },
  },
  { name: 'containerd, fresh', runtime: 'containerd', files: {} },
  {
    name: 'containerd, configured, with config.toml',
    runtime: 'containerd',
    files: {
      '/etc/containerd/config.toml': 'version = 2\n# kept\n[grpc]\n  address = "/run/x.sock"\n',
      '/etc/containerd/certs.d/docker.io/hosts.toml': 'server = "https://registry-1.docker.io"\n',
    },
    request: { registries: ['docker.io', 'h:5000'], caPem: CA_PEM, editContainerdConfig: true },
  },
  { name: 'crio, fresh', runtime: 'crio', files: {} },
  { name: 'podman, fresh', runtime: 'podman', files: {} },
  {
    name: 'podman, configured, with a certificate',
    runtime: 'podman',
    files: {
      '/etc/containers/registries.conf': '[[registry]]\nlocation = "ghcr.io"\nblocked = true\n',
      '/etc/containers/registries.conf.d/damselfly.conf': '# by hand\n[[registry]]\nlocation = "quay.io"\n',
    },
    request: { knownRegistries: ['ghcr.io'], caPem: CA_PEM },
  },
  { name: 'k3s, fresh', runtime: 'k3s', files: {} },
  {
    name: 'k3s, configured, with a certificate',
    runtime: 'k3s',
    files: { '/etc/rancher/k3s/registries.yaml': '# mine\nmirrors:\n  "*":\n    endpoint: []\n' },
    request: { registries: ['docker.io', '*'], caPem: CA_PEM },
  },
]
