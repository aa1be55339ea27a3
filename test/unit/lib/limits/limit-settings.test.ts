import { expect, test } from 'vitest'
import { DfdaemonConfig } from '../../../../dfdaemon/config.ts'
import { peerLimitsOf } from '../../../../dfget/config/limits.ts'
import { DfgetConfig } from '../../../../dfget/config.ts'
import { loadConfig } from '../../../../lib/config/load-config.ts'
import { SupernodeConfig } from '../../../../supernode/config.ts'

const MIB = 1024 * 1024

test('without settings only the number of uploads has a limit', () => {
  const ofPeer = { upload: 0, download: 0, perTask: 0, background: 0, concurrentUploads: 32 }
  expect(loadConfig('dfdaemon', DfdaemonConfig, {}).limits).toEqual(ofPeer)
  expect(peerLimitsOf(loadConfig('dfget', DfgetConfig, {}))).toEqual(ofPeer)
  expect(loadConfig('supernode', SupernodeConfig, {}).limits).toEqual({ egress: 0, concurrentUploads: 32 })
})

test('rates are given with units', () => {
  const environment = { DFDAEMON_LIMITS_UPLOAD: '100M', DFDAEMON_LIMITS_PER_TASK: '1.5GiB' }
  const flags = { 'limits.download': '20MiB', 'limits.concurrentUploads': '4' }
  expect(loadConfig('dfdaemon', DfdaemonConfig, { environment, flags }).limits).toEqual({
    upload: 100_000_000,
    download: 20 * MIB,
    perTask: 1536 * MIB,
    background: 0,
    concurrentUploads: 4,
  })
})

test.for([
  ['limits.upload', '-1', 'limits.upload from the command line must be >= 0'],
  ['limits.download', '-5MiB', 'limits.download from the command line must be >= 0'],
  ['limits.perTask', '2T', 'limits.perTask from the command line must be <= 1000000000000'],
  ['limits.perTask', '0.1', 'limits.perTask from the command line must be integer'],
  ['limits.upload', '10MB/s', 'limits.upload from the command line: "10MB/s" is not a number'],
  ['limits.upload', '', 'limits.upload from the command line: "" is not a number'],
  ['limits.concurrentUploads', '1G', 'limits.concurrentUploads from the command line must be <= 100000'],
] as const)('%s %s is refused', ([setting, text, message]) => {
  const load = () => loadConfig('dfdaemon', DfdaemonConfig, { flags: { [setting]: text } })
  expect(load).toThrow(`the configuration is invalid: ${message}`)
})

test('a supernode has limits of its own', () => {
  const load = () => loadConfig('supernode', SupernodeConfig, { flags: { 'limits.egress': '-1' } })
  expect(load).toThrow('limits.egress from the command line must be >= 0')
})
