import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { softwareBill } from '../../../tools/supply-chain/sbom.ts'
import { REPOSITORY, readManifest } from '../../helpers/source-tree.ts'

interface Bill {
  readonly bomFormat: string
  readonly specVersion: string
  readonly serialNumber: string
  readonly version: number
  readonly components: readonly { 'bom-ref': string; type: string; name: string; version: string; purl: string }[]
  readonly dependencies: readonly { ref: string; dependsOn: readonly string[] }[]
}

interface Lock {
  readonly packages: Readonly<Record<string, { version?: string; dev?: boolean }>>
}

const bill = softwareBill(REPOSITORY)
const parsed = JSON.parse(bill) as Bill

test('the bill of software has the form of CycloneDX 1.5', () => {
  expect(parsed).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 })
  expect(parsed.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
  const refs = parsed.components.map(component => component['bom-ref'])
  expect(new Set(refs).size).toBe(refs.length)
  for (const { type, name, version, purl } of parsed.components) {
    expect(type).toBe('library')
    expect(decodeURIComponent(purl)).toBe(`pkg:npm/${name}@${version}`)
  }
  const known = new Set([...refs, 'damselfly@0.1.0'])
  expect(
    parsed.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).filter(ref => !known.has(ref)),
  ).toEqual([])
})

test('the bill of software lists what is installed with the package, and nothing of development', () => {
  const lock = JSON.parse(readFileSync(join(REPOSITORY, 'package-lock.json'), 'utf8')) as Lock
  const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  const expected = new Set(shipped.map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`))
  expect(new Set(parsed.components.map(component => component['bom-ref']))).toEqual(expected)
  const { devDependencies } = readManifest()
  const names = parsed.components.map(({ name }) => name)
  expect(Object.keys(devDependencies).filter(name => names.includes(name))).toEqual([])
})

test('the bill of software is the same each time, and tells nothing of the machine', () => {
  expect(softwareBill(REPOSITORY)).toBe(bill)
  expect(bill).not.toMatch(/timestamp|file:\/\//)
})
