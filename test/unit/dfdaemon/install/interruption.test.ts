import { describe, expect, it } from 'vitest'
import { install } from '../../../../dfdaemon/node/install/install.ts'
import { uninstall } from '../../../../dfdaemon/node/install/uninstall.ts'
import { INSTALL_CASES, type InstallCase } from './cases.ts'
import { createMachineRoot, dyingFileSystem, type MachineRoot, request } from './fixture.ts'

/** Installs on a machine that dies at the nth change. Returns whether it came that far. */
async function diesInstalling(root: MachineRoot, { runtime, request: changes }: InstallCase, nth: number) {
  const { fileSystem, changes: count } = dyingFileSystem(root.fileSystem, root.path, nth)
  await install({ fileSystem }, { runtime, request: request(changes), dryRun: false }).catch(() => {})
  return count() >= nth
}

async function diesUninstalling(root: MachineRoot, { runtime }: InstallCase, nth: number) {
  const { fileSystem, changes: count } = dyingFileSystem(root.fileSystem, root.path, nth)
  await uninstall({ fileSystem }, { runtime, onChanged: 'refuse', dryRun: false }).catch(() => {})
  return count() >= nth
}

/** Runs a scenario for every change at which the machine can die, each on a new machine. Returns how many there were. */
async function atEveryChange(
  { files }: InstallCase,
  scenario: (root: MachineRoot, nth: number) => Promise<boolean>,
): Promise<number> {
  for (let nth = 1; ; nth += 1) {
    await using root = await createMachineRoot(files)
    if (!(await scenario(root, nth))) return nth - 1
  }
}

// These two take the same way as k3s: one new file.
const CASES = INSTALL_CASES.filter(({ name }) => name !== 'crio, fresh' && name !== 'podman, fresh')

describe.each(CASES)('$name', testCase => {
  const { runtime, request: changes } = testCase

  it('is undone by an uninstall, wherever the install was cut off', async () => {
    const deaths = await atEveryChange(testCase, async (root, nth) => {
      const before = await root.tree()
      const died = await diesInstalling(root, testCase, nth)
      await root.uninstall(runtime)
      expect(await root.tree(), `after change ${nth}`).toEqual(before)
      return died
    })
    expect(deaths).toBeGreaterThan(3)
  })

  it('is completed by another install, wherever the first was cut off', async () => {
    await using whole = await createMachineRoot(testCase.files)
    const before = await whole.tree()
    await whole.install(runtime, changes)
    const isConfig = (line: string) => !line.startsWith('var/lib/damselfly/install/')
    const installed = (await whole.tree()).filter(isConfig)
    await atEveryChange(testCase, async (root, nth) => {
      const died = await diesInstalling(root, testCase, nth)
      await root.install(runtime, changes)
      expect((await root.tree()).filter(isConfig), `after change ${nth}`).toEqual(installed)
      await root.uninstall(runtime)
      expect(await root.tree(), `after change ${nth}`).toEqual(before)
      return died
    })
  })

  it('is put back by another uninstall, wherever the first was cut off', async () => {
    const deaths = await atEveryChange(testCase, async (root, nth) => {
      const before = await root.tree()
      await root.install(runtime, changes)
      const died = await diesUninstalling(root, testCase, nth)
      await root.uninstall(runtime)
      expect(await root.tree(), `after change ${nth}`).toEqual(before)
      return died
    })
    expect(deaths).toBeGreaterThan(3)
  })
})

it('is installed again, wherever an uninstall was cut off', async () => {
  for (const testCase of CASES.slice(0, 1)) {
    const { runtime, request: changes } = testCase
    await atEveryChange(testCase, async (root, nth) => {
      const before = await root.tree()
      await root.install(runtime, changes)
      const installed = await root.tree()
      const died = await diesUninstalling(root, testCase, nth)
      await root.install(runtime, changes)
      expect(await root.tree(), `after change ${nth}`).toEqual(installed)
      await root.uninstall(runtime)
      expect(await root.tree(), `after change ${nth}`).toEqual(before)
      return died
    })
  }
})

it('says how to go on after an install that failed', async () => {
  await using root = await createMachineRoot()
  const { fileSystem } = dyingFileSystem(root.fileSystem, root.path, 1_000)
  const failing = {
    ...fileSystem,
    replace: (path: string, file: Parameters<typeof fileSystem.replace>[1]) =>
      path.endsWith('daemon.json') ? Promise.reject(new Error('disk full')) : fileSystem.replace(path, file),
  }
  const installing = install({ fileSystem: failing }, { runtime: 'docker', request: request(), dryRun: false })
  await expect(installing).rejects.toMatchObject({
    code: 'OUTPUT_FAILED',
    detail: expect.stringMatching(/^disk full; the install is incomplete: .*"dfdaemon uninstall docker"$/),
  })
})
