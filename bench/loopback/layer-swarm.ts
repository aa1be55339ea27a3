import { join } from 'node:path'
import type { Children } from '../measure/children.ts'
import type { RegistryBlob } from './blob.ts'
import type { Wanted } from './fetched.ts'
import { type Registry, startRegistry, startSupernode } from './programs.ts'

/** A registry with one layer, and a supernode, which does not hold it yet. They run until the benchmark ends. */
export interface LayerSwarm {
  readonly registry: Registry
  readonly supernodeUrl: string
  readonly supernodeDirectory: string
  readonly layer: RegistryBlob & Wanted
}

/** Starts a swarm without peers. @param directory where the supernode stores the layer @throws as `Child.ask` does */
export async function startLayerSwarm(children: Children, directory: string, sizeBytes: number): Promise<LayerSwarm> {
  const supernodeDirectory = join(directory, 'supernode')
  const programs = [startRegistry(children), startSupernode(children, supernodeDirectory)] as const
  const [registry, supernodeUrl] = await Promise.all(programs)
  const layer = await registry.layer(sizeBytes)
  return { registry, supernodeUrl, supernodeDirectory, layer: { ...layer, url: registry.url + layer.path } }
}
