import { expect, test } from 'vitest'
import { checkRuntime, type RuntimeFacts } from '../../../../dfdaemon/node/doctor/checks/runtime.ts'

const wired = { state: 'wired', registries: undefined, without: [] } as const
const facts: RuntimeFacts = {
  runtime: 'containerd',
  wiring: wired,
  mirror: 'http://127.0.0.1:65001',
  changedAt: 1_000,
  process: { startedAt: 5_000, proxy: undefined },
  dockerMirrors: undefined,
  isOptional: false,
}
const commands = {
  start: 'dfdaemon',
  join: 'dfdaemon join',
  doctor: 'dfdaemon doctor',
  installOptions: '',
  uninstallOptions: '',
}
const docker = { runtime: 'docker', changedAt: undefined } as const

test.each<[string, Partial<RuntimeFacts>, string, string, string | undefined]>([
  ['wired and read', {}, 'ok', 'containerd pulls through http://127.0.0.1:65001', undefined],
  ['wired, not running', { process: undefined, changedAt: 9_000 }, 'ok', 'containerd pulls through', undefined],
  ['not wired', { wiring: { state: 'none' } }, 'fail', 'not set up', 'dfdaemon install containerd'],
  [
    'not wired, beside one that is',
    { wiring: { state: 'none' }, isOptional: true },
    'warn',
    'not set up',
    'dfdaemon install containerd',
  ],
  [
    'for another dfdaemon',
    { wiring: { state: 'elsewhere', mirror: 'http://127.0.0.1:1' } },
    'fail',
    'set up for http://127.0.0.1:1, but this dfdaemon is at http://127.0.0.1:65001',
    'dfdaemon uninstall containerd; dfdaemon install containerd',
  ],
  [
    'no config_path',
    { wiring: { state: 'unread' } },
    'fail',
    'has no config_path',
    'dfdaemon install containerd --edit-containerd-config && systemctl restart containerd',
  ],
  [
    'closed',
    { wiring: { state: 'closed', problem: '/etc/x: permission denied' } },
    'warn',
    '/etc/x: permission denied',
    'sudo dfdaemon doctor',
  ],
  [
    'broken',
    { wiring: { state: 'broken', problem: '/etc/x line 3: what' } },
    'fail',
    '/etc/x line 3: what',
    'dfdaemon install containerd --dry-run   # says the same until that file is mended',
  ],
  ['not restarted', { changedAt: 9_000 }, 'fail', 'changed after containerd started', 'systemctl restart containerd'],
  [
    'CRI-O, perhaps not reloaded',
    { runtime: 'crio', changedAt: 9_000 },
    'warn',
    'after CRI-O started',
    'systemctl reload crio',
  ],
  [
    'for some registries',
    { wiring: { state: 'wired', registries: ['docker.io'], without: ['ghcr.io', 'h.example:5000'] } },
    'warn',
    'containerd pulls through http://127.0.0.1:65001 for docker.io, but not for ghcr.io, h.example:5000',
    'dfdaemon install containerd --registry ghcr.io --registry h.example:5000',
  ],
  [
    'dockerd uses it',
    { ...docker, dockerMirrors: ['https://m.example/', 'http://127.0.0.1:65001/'] },
    'ok',
    'docker pulls',
    undefined,
  ],
  [
    'dockerd not reloaded',
    { ...docker, dockerMirrors: ['https://m.example/'] },
    'fail',
    'does not use it',
    'systemctl reload docker',
  ],
  [
    'dockerd cannot be asked',
    { ...docker, dockerMirrors: { reason: 'dockerd does not run' } },
    'warn',
    'dockerd does not run',
    'sudo dfdaemon doctor   # while dockerd runs',
  ],
  [
    'a proxy in between',
    { mirror: 'http://10.0.0.7:65001', process: { startedAt: 5_000, proxy: 'http://proxy.example:3128' } },
    'fail',
    'to the proxy http://proxy.example:3128',
    'systemctl edit containerd   # add 10.0.0.7 to NO_PROXY, then: systemctl restart containerd',
  ],
])('%s', (_, changes, status, what, mend) => {
  const finding = checkRuntime({ ...facts, ...changes }, commands)
  expect(finding).toMatchObject({ status, what: expect.stringContaining(what) })
  expect(finding.mend).toBe(mend)
})
