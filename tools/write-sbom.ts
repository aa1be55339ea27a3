import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKOUT } from './build/build-package.ts'
import { softwareBill } from './supply-chain/sbom.ts'

// `npm run sbom`: what the published package is made of, in dist/, which is published.
const file = join(CHECKOUT, 'dist', 'sbom.cdx.json')
mkdirSync(join(CHECKOUT, 'dist'), { recursive: true })
writeFileSync(file, softwareBill(CHECKOUT))
process.stdout.write(`${file}\n`)
