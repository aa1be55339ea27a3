import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A package of others, parts of which are in what is published. */
export interface BundledPackage {
  readonly name: string
  readonly version: string
  /** SPDX expression. */
  readonly license: string
  /** Whom package.json names as its author; empty for nobody. */
  readonly author: string
  /** Texts of its licence and notice files. */
  readonly texts: readonly string[]
}

const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/
const LICENCE_FILE = /^(licen[cs]e|copying|notice)([-.].*)?$/i

/** https://spdx.org/licenses/MIT.html, for packages that name it and bring no text. */
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR
ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH
THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`

/** The packages that modules are from, each version once, by name. @param modules absolute paths */
export function bundledPackages(modules: readonly string[]): BundledPackage[] {
  const directories = new Set(modules.flatMap(module => PACKAGE.exec(module)?.[0] ?? []))
  const packages = new Map([...directories].map(readPackage).map(each => [`${each.name} ${each.version}`, each]))
  return [...packages].sort(([a], [b]) => a.localeCompare(b, 'en')).map(([, each]) => each)
}

/**
 * What licences ask to be given along with copies: whose the parts are, and under which conditions they come.
 * @throws Error for a package whose conditions cannot be told
 */
export function noticesOf(packages: readonly BundledPackage[]): string {
  const sections = packages.map(each => {
    const title = `${each.name} ${each.version} (${each.license})`
    return [`${title}\n${'-'.repeat(title.length)}`, ...conditionsOf(each)].join('\n\n')
  })
  return `${['Damselfly contains parts of these packages.', ...sections].join('\n\n\n')}\n`
}

function conditionsOf({ name, license, author, texts }: BundledPackage): readonly string[] {
  if (texts.length > 0) return texts
  const choices = license.replace(/^\((.*)\)$/, '$1').split(' OR ')
  if (choices.includes('Apache-2.0')) return ['Used under the Apache License 2.0: its text is in LICENSE.']
  if (choices.includes('MIT')) return [`Copyright (c) ${author || `the authors of ${name}`}`, MIT]
  throw new Error(`${name} brings no text of its licence, ${license}`)
}

function readPackage(directory: string): BundledPackage {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<string, unknown>
  const { name, version, license, author = '' } = manifest
  const files = readdirSync(directory, { withFileTypes: true })
    .filter(entry => entry.isFile() && LICENCE_FILE.test(entry.name))
    .map(entry => entry.name)
    .sort()
  return {
    name: String(name),
    version: String(version),
    license: String(license),
    author: typeof author === 'object' ? String((author as { name?: string } | null)?.name ?? '') : String(author),
    texts: files.map(file => readFileSync(join(directory, file), 'utf8').trim()),
  }
}
