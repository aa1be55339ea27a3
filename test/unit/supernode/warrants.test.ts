import { beforeEach, expect, test } from 'vitest'
import { type Source, taskIdOfSource } from '../../../lib/origin/origin.ts'
import { fetchedSource } from '../../../lib/origin/registered-source.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { Warrants } from '../../../supernode/preheat/warrants.ts'

const INFO = { sizeBytes: 5, validator: '"v1"' }
const FILE: Source = { url: 'https://files.example/a', headers: { authorization: 'Bearer job' } }
const BLOB: Source = { ...FILE, url: 'https://r.example/v2/a/blobs/b', digest: digestOf(Buffer.from('blob')) }
const warrantOf = (source: Source) => ({ source, info: INFO })
const taskOf = (source: Source) => taskIdOfSource(source, INFO.validator)

let warrants: Warrants

beforeEach(() => {
  warrants = new Warrants({ max: 3 })
})

function give(peer: string, source: Source): void {
  warrants.give(peer, taskOf(source), warrantOf(source))
}

test.each([FILE, BLOB])(
  'a warrant is good for one peer and one content, by the URL that the peer was told: %o',
  source => {
    give('a', source)
    expect(warrants.find('a', fetchedSource(source))).toMatchObject(warrantOf(source))
    expect(warrants.find('b', fetchedSource(source))).toBeUndefined()
    const others = [FILE, BLOB, { ...FILE, url: 'https://files.example/b' }, { ...FILE, identity: { tag: 't' } }]
    for (const other of others.filter(each => each !== source)) expect(warrants.find('a', other)).toBeUndefined()
  },
)

test('what a peer is told opens nothing, and is the same content all the same', () => {
  const source: Source = {
    url: 'https://user:password@files.example/a?v=1&signature=secret&signature=x#part',
    headers: { authorization: 'Bearer secret' },
    credentials: { username: 'robot', password: 'secret' },
    identity: { tag: 't', filter: ['signature', 'absent'] },
  }
  const told = fetchedSource(source)
  expect(JSON.stringify(told)).not.toMatch(/secret|password|Bearer|robot/)
  give('a', source)
  expect(warrants.find('a', told)?.source).toBe(source)
})

test('a warrant ends with its task, or with its peer', () => {
  give('a', FILE)
  give('a', BLOB)
  give('b', BLOB)
  warrants.end('a', taskOf(FILE))
  warrants.end('a', taskOf(FILE))
  warrants.end('nobody', taskOf(FILE))
  expect([warrants.find('a', FILE), warrants.find('a', BLOB)?.source]).toEqual([undefined, BLOB])
  warrants.endAll('a')
  warrants.endAll('a')
  expect([warrants.find('a', BLOB), warrants.find('b', BLOB)?.source, warrants.count]).toEqual([undefined, BLOB, 1])
})

test('a URL whose content has changed takes the place of what it was, which ends without it', () => {
  give('a', FILE)
  const changed = { sizeBytes: 6, validator: '"v2"' }
  warrants.give('a', taskIdOfSource(FILE, changed.validator), { source: FILE, info: changed })
  warrants.end('a', taskOf(FILE))
  expect(warrants.find('a', FILE)?.info).toEqual(changed)
  expect(warrants.count).toBe(1)
})

test('there are no more than so many', () => {
  for (const peer of ['a', 'b', 'c']) give(peer, FILE)
  expect(() => give('d', FILE)).toThrow(expect.objectContaining({ code: 'TOOMANYREQUESTS' }))
  give('a', FILE)
  warrants.endAll('b')
  give('d', FILE)
  expect(warrants.count).toBe(3)
})
