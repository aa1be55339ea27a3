import { writeFileSync } from 'node:fs'
import { generatedPages } from './docs/generated-pages.ts'

// `npm run docs`: writes the pages that are made from tables and schemas in the source.
for (const [path, text] of generatedPages()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
  process.stdout.write(`${path}\n`)
}
