import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withFirstInList } from '../../dfdaemon/node/install/formats/daemon-json.ts'
import { createMachineRoot, MIRROR } from '../unit/dfdaemon/install/fixture.ts'

const PATH = '/etc/docker/daemon.json'
const KEY = 'registry-mirrors'

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/)
const mirrors = fc.array(fc.oneof(fc.string(), fc.constantFrom(MIRROR, `${MIRROR}/`, 'https://hub.example')), {
  maxLength: 3,
})
const settings = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5, noNullPrototype: true }), fc.option(mirrors))
  .map(([rest, list]) => (list === null ? rest : { ...rest, [KEY]: list }))
/** A JSON object in some layout: as `JSON.stringify` writes it, or with any white space at its ends. */
const daemonJson = fc
  .tuple(settings, fc.constantFrom(0, 1, 4, '\t'), space, space)
  .map(([value, indent, head, tail]) => head + JSON.stringify(value, undefined, indent) + tail)

describe('the edit of daemon.json', () => {
  it('changes the list alone, keeps the order, and only adds bytes', () => {
    fc.assert(
      fc.property(daemonJson, text => {
        const after = withFirstInList(text, KEY, MIRROR, PATH)
        const before = JSON.parse(text) as Record<string, unknown>
        const old = Object.hasOwn(before, KEY) ? (before[KEY] as string[]) : []
        const has = old.some(url => url.replace(/\/+$/, '') === MIRROR)
        const expected = { ...before, [KEY]: has ? old : [MIRROR, ...old] }
        expect(JSON.parse(after)).toEqual(expected)
        expect(Object.keys(JSON.parse(after))).toEqual(Object.keys(expected))
        if (has) expect(after).toBe(text)
        expect(withFirstInList(after, KEY, MIRROR, PATH)).toBe(after)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('install and uninstall', () => {
  it('bring back any daemon.json byte for byte, and refuse what is none without touching it', async () => {
    const content = fc.oneof(daemonJson, fc.string({ unit: 'binary' }))
    await fc.assert(
      fc.asyncProperty(content, fc.constantFrom(0o600, 0o644, 0o755), async (text, mode) => {
        await using root = await createMachineRoot()
        await root.write(PATH, text, mode)
        const before = await root.tree()
        const installed = await root.install('docker').catch((error: { code?: string }) => {
          expect(error.code).toBe('CONFIG_INVALID')
        })
        if (installed === undefined) expect(await root.tree()).toEqual(before)
        await root.uninstall('docker')
        expect(await root.tree()).toEqual(before)
      }),
      { numRuns: 40 },
    )
  })
})
