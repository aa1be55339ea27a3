import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The Debian 12 packages that the real-runtime suite drives, and the commands that it takes from each. */
const COMMANDS_BY_PACKAGE: Readonly<Record<string, readonly string[]>> = {
  'btrfs-progs': ['mkfs.btrfs'],
  buildah: ['buildah'],
  containerd: ['containerd', 'ctr'],
  curl: ['curl'],
  'docker-registry': ['docker-registry'],
  'docker.io': ['docker', 'dockerd'],
  fish: ['fish'],
  iproute2: ['ip', 'tc'],
  mandoc: ['mandoc'],
  'nginx-light': ['nginx'],
  openssl: ['openssl'],
  podman: ['podman'],
  skopeo: ['skopeo'],
  'util-linux': ['nsenter', 'setpriv', 'unshare'],
  xfsprogs: ['mkfs.xfs'],
  zsh: ['zsh'],
}

/** The commands that give a test a small file system of its own, and the package that brings them. */
const DISK_COMMANDS: Readonly<Record<string, readonly string[]>> = { mount: ['mount', 'umount'] }

/** The packages behind network namespaces with programs in them. */
const NETWORK_PACKAGES = ['iproute2', 'util-linux']

/** Those, and the ones behind a real registry with an image. */
const REGISTRY_PACKAGES = [...NETWORK_PACKAGES, 'docker-registry', 'skopeo']

/** What the real-runtime suite needs, in words. */
export const CLIENT_REQUIREMENTS = `Linux, root, ${Object.keys(COMMANDS_BY_PACKAGE).join(', ')}`

/** What a test network needs, in words. */
export const NETWORK_REQUIREMENTS = `Linux, root, ${NETWORK_PACKAGES.join(', ')}`

/** What a real registry on a test network needs, in words. */
export const REGISTRY_REQUIREMENTS = `Linux, root, ${REGISTRY_PACKAGES.join(', ')}`

/** What this machine lacks of it, in words; empty when the suite can run. */
export function missingClientRequirements(): string[] {
  return [...missingRights(), ...missingCommands(Object.keys(COMMANDS_BY_PACKAGE))]
}

/** What this machine lacks for a test network, in words; empty when there can be one. */
export function missingNetworkRequirements(): string[] {
  return [...missingRights(), ...missingCommands(NETWORK_PACKAGES)]
}

/** What this machine lacks for a real registry on a test network, in words; empty when there can be one. */
export function missingRegistryRequirements(): string[] {
  return [...missingRights(), ...missingCommands(REGISTRY_PACKAGES)]
}

/** What this machine lacks for a small file system of a test's own, in words; empty when there can be one. */
export function missingDiskRequirements(): string[] {
  return [...missingRights(), ...missingCommands(Object.keys(DISK_COMMANDS), DISK_COMMANDS)]
}

/** @throws Error that names all that is missing. The suite is asked for by name, so it fails rather than skips. */
export function assertClientRequirements(): void {
  const missing = missingClientRequirements()
  if (missing.length === 0) return
  throw new Error(`the real-runtime suite needs ${CLIENT_REQUIREMENTS}; missing on this machine: ${missing.join(', ')}`)
}

function missingCommands(packages: readonly string[], commands = COMMANDS_BY_PACKAGE): string[] {
  return packages.flatMap(name =>
    (commands[name] ?? []).filter(command => !isOnPath(command)).map(command => `${command} (package ${name})`),
  )
}

function missingRights(): string[] {
  if (process.platform !== 'linux') return ['Linux']
  if (process.getuid?.() !== 0) return ['root']
  // Root inside a container may lack the right to make namespaces.
  const { status, error } = spawnSync('unshare', ['--mount', '--net', process.execPath, '--version'])
  return error === undefined && status !== 0 ? ['the right to make network and mount namespaces'] : []
}

function isOnPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(directory => {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
