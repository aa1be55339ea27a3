import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { chooseContents, daemonCanDo } from '../../../dfget/cli/contents/choose-contents.ts'
import { OwnPeer } from '../../../dfget/cli/contents/own-peer.ts'
import { DfgetConfig } from '../../../dfget/config.ts'
import { type FlagValue, loadConfig } from '../../../lib/config/load-config.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const configOf = (flags: Record<string, FlagValue> = {}) => loadConfig('dfget', DfgetConfig, { flags })

test.each<Record<string, FlagValue>>([
  {},
  { supernode: 'http://supernode:8002' },
  { range: '0-1' },
  { continue: true },
  { disableBackToSource: true },
  { priority: 'background' },
  { tag: 'one', filter: ['v'] },
  { header: ['X-One: 1'], userAgent: 'agent/1' },
  { retry: '3' },
  { json: true },
])('a dfdaemon can do %j', flags => expect(daemonCanDo(configOf(flags), ['http://h/a', 's3://bucket/a'])).toBe(true))

test.each<Record<string, FlagValue>>([
  { daemonSocket: '' },
  { cacert: '/ca.pem' },
  { insecure: true },
  { proxy: 'http://proxy:3128' },
  { timeout: '5' },
  { dataDir: '/data' },
  { hardLink: true },
  { linger: '5' },
  { limitRate: '1000000' },
  { totalLimit: '1000000' },
  { uploadLimit: '1000000' },
])('only a peer of its own can do %j', flags => expect(daemonCanDo(configOf(flags), ['http://h/a'])).toBe(false))

test('files of this machine are read by whoever asks for them', () => {
  expect(daemonCanDo(configOf(), ['http://h/a', 'FILE:///etc/passwd'])).toBe(false)
})

test('where no dfdaemon answers, a peer of its own does the work', async () => {
  await using scratch = await createScratchDirectory()
  vi.stubEnv('XDG_CACHE_HOME', scratch.path)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { signal } = new AbortController()
  const own = await chooseContents(configOf({ daemonSocket: join(scratch.path, 'none.sock') }), ['http://h/a'], {
    signal,
  })
  await own.end(undefined, { signal })
  expect(own).toBeInstanceOf(OwnPeer)
})
