import { expect, test } from 'vitest'
import { type BundledPackage, bundledPackages, noticesOf } from '../../../tools/build/notices.ts'
import { REPOSITORY } from '../../helpers/source-tree.ts'

const PACKAGE: BundledPackage = {
  name: 'a',
  version: '1.0.0',
  license: 'MIT',
  author: 'A. Author',
  texts: ['its text'],
}

test('the packages of modules are found, each once, with the texts of their licences', () => {
  const modules = [
    `${REPOSITORY}node_modules/undici/index.js`,
    `${REPOSITORY}node_modules/undici/lib/api/index.js`,
    `${REPOSITORY}node_modules/@libp2p/tcp/dist/src/index.js`,
    `${REPOSITORY}lib/fs.ts`,
  ]
  const found = bundledPackages(modules)
  expect(found.map(({ name, license }) => [name, license])).toEqual([
    ['@libp2p/tcp', 'Apache-2.0 OR MIT'],
    ['undici', 'MIT'],
  ])
  expect(found[1]?.texts[0]).toMatch(/^MIT License/)
})

test('a package is shown with its own text', () => {
  const title = 'a 1.0.0 (MIT)'
  expect(noticesOf([PACKAGE])).toBe(
    `Damselfly contains parts of these packages.\n\n\n${title}\n${'-'.repeat(title.length)}\n\nits text\n`,
  )
})

test.each([
  ['Apache-2.0 OR MIT', /Used under the Apache License 2\.0/],
  ['(MIT OR Apache-2.0)', /Used under the Apache License 2\.0/],
  ['MIT', /Copyright \(c\) A\. Author\n\nPermission is hereby granted/],
])('of %s without a text, the text is known', (license, expected) => {
  expect(noticesOf([{ ...PACKAGE, license, texts: [] }])).toMatch(expected)
})

test('conditions that cannot be told stop the build', () => {
  expect(() => noticesOf([{ ...PACKAGE, license: 'ISC', texts: [] }])).toThrow('a brings no text of its licence, ISC')
})
