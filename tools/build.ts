import { join } from 'node:path'
import { buildPackage, CHECKOUT } from './build/build-package.ts'

// `npm run build`: what is published, in dist/.
await buildPackage(join(CHECKOUT, 'dist'))
