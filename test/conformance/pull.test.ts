import { afterAll, beforeAll, describe } from 'vitest'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { type ConformanceContent, pushConformanceContent } from '../helpers/conformance-content.ts'
import { describePullChecks } from '../helpers/pull-checks.ts'

const REPOSITORY = 'conformance/pull'
/** A registry that nobody is, for daemons whose requests have to name theirs. */
const NOBODY = '127.0.0.1:9'

let cluster: TestCluster
let content: ConformanceContent

beforeAll(async () => {
  cluster = await startCluster()
  content = await pushConformanceContent(cluster.registry, REPOSITORY)
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** Makes the URL of a path in a repository of the registry, at a subject that is started for it. */
type Subject = () => Promise<(path: string) => string>

const SUBJECTS: Record<string, Subject> = {
  'registry-mock': async () => path => `${cluster.registry.url}/v2/${path}`,
  'a dfdaemon with a supernode': async () => {
    const { url } = await cluster.dfdaemon({ supernode: (await cluster.supernode()).url })
    return path => `${url}/v2/${path}`
  },
  'a dfdaemon that is told the registry by ns': async () => {
    const { url } = await cluster.dfdaemon({ defaultUpstream: NOBODY })
    return path => {
      const asked = new URL(`${url}/v2/${path}`)
      asked.searchParams.set('ns', cluster.registry.host)
      return asked.href
    }
  },
  'a dfdaemon that is told the registry by the path': async () => {
    const { url } = await cluster.dfdaemon({ defaultUpstream: NOBODY })
    return path => `${url}/v2/${path === '' ? '' : `${cluster.registry.host}/${path}`}`
  },
}

describe.for(Object.entries(SUBJECTS))('%s', ([, start]) => {
  let urlOf: (path: string) => string

  beforeAll(async () => {
    urlOf = await start()
  })

  describe.for(['for the first time', 'once more'])('%s', () => {
    describePullChecks(() => ({
      content,
      url: path => urlOf(path === undefined ? '' : `${REPOSITORY}/${path}`),
    }))
  })
})
