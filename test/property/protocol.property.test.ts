import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bitfield } from '../../protocol/bitfield.ts'
import { BLOCK_DIGEST_BYTES, BlockMap, blockCountOf, blockDigestOf, blockRange } from '../../protocol/block-map.ts'
import { blockSizeFor, isBlockSize, MAX_BLOCK_BYTES } from '../../protocol/block-size.ts'
import { createDigester, digestOf, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { formatContentRange, formatRange, parseContentRange, parseRange, resolveRange } from '../../protocol/range.ts'
import { isRepositoryName, parseRegistryPath } from '../../protocol/registry-path.ts'
import { isTaskId, normaliseUrl, taskIdOfUrl } from '../../protocol/task.ts'

const index = fc.nat({ max: 300 })
const size = fc.maxSafeNat()

describe('Bitfield', () => {
  it('behaves like a set of numbers', () => {
    const step = fc.record({ kind: fc.constantFrom('add', 'delete'), index })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), fc.nat({ max: 40 }), (steps, capacity) => {
        const field = new Bitfield(capacity)
        const model = new Set<number>()
        for (const { kind, index } of steps) {
          if (kind === 'add') {
            expect(field.add(index)).toBe(!model.has(index))
            model.add(index)
          } else {
            expect(field.delete(index)).toBe(model.delete(index))
          }
        }
        const sorted = [...model].sort((a, b) => a - b)
        expect([...field]).toEqual(sorted)
        expect(field.count).toBe(model.size)
        const copy = Bitfield.fromBytes(field.toBytes())
        expect([...copy]).toEqual(sorted)
        expect(copy.count).toBe(model.size)
      }),
    )
  })

  it('finds the first clear index from anywhere', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), fc.nat({ max: 220 }), (bits, from) => {
        const field = new Bitfield()
        for (const [at, bit] of bits.entries()) if (bit) field.add(at)
        let expected = from
        while (bits[expected]) expected++
        expect(field.firstClear(from)).toBe(expected)
      }),
    )
  })

  it('writes a canonical form of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        const wire = Bitfield.fromBytes(bytes).toBytes()
        expect(wire.at(-1)).not.toBe(0)
        expect([...wire, ...new Uint8Array(bytes.length - wire.length)]).toEqual([...bytes])
      }),
    )
  })
})

describe('BlockMap', () => {
  it('is the same however it is cut into runs that overlap', () => {
    const digests = Array.from({ length: 40 }, (_, at) => blockDigestOf(Uint8Array.of(at)))
    const source = new BlockMap(10)
    for (const digest of digests) source.append(digest)
    const run = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }))
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), runs => {
        const map = new BlockMap(10)
        for (const [from, count] of runs) {
          const known = map.length
          const taken = map.extend(from, source.slice(from, from + count))
          expect(taken).toBe(from <= known)
          expect(map.length).toBe(taken ? Math.max(known, Math.min(from + count, 40)) : known)
        }
        expect(map.slice(0, map.length)).toEqual(source.slice(0, map.length))
      }),
    )
  })

  it('takes no run that is not whole digests', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), bytes => {
        const map = new BlockMap(10)
        expect(map.extend(0, bytes)).toBe(bytes.length % BLOCK_DIGEST_BYTES === 0)
        expect(map.length).toBe(bytes.length % BLOCK_DIGEST_BYTES === 0 ? bytes.length / BLOCK_DIGEST_BYTES : 0)
      }),
    )
  })

  it('lays blocks out without gap or overlap', () => {
    fc.assert(
      fc.property(fc.nat({ max: 5_000 }), fc.integer({ min: 1, max: 200 }), (sizeBytes, blockSizeBytes) => {
        let end = 0
        for (let at = 0; at < blockCountOf(sizeBytes, blockSizeBytes); at++) {
          const range = blockRange(at, blockSizeBytes, sizeBytes)
          expect(range.start).toBe(end)
          expect(range.end).toBeGreaterThan(range.start)
          end = range.end
        }
        expect(end).toBe(sizeBytes)
      }),
    )
  })
})

describe('block sizes', () => {
  it('are valid, grow with the content and keep the number of blocks small', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)]
        expect(isBlockSize(blockSizeFor(small))).toBe(true)
        expect(blockSizeFor(small)).toBeLessThanOrEqual(blockSizeFor(large))
        if (blockSizeFor(large) < MAX_BLOCK_BYTES)
          expect(blockCountOf(large, blockSizeFor(large))).toBeLessThanOrEqual(1024)
      }),
    )
  })
})

describe('digests', () => {
  it('do not depend on how the content is cut', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 })
    fc.assert(
      fc.property(pieces, fc.constantFrom('sha256' as const, 'sha512' as const), (parts, algorithm) => {
        const digester = createDigester(algorithm)
        for (const part of parts) digester.update(part)
        const digest = digester.digest()
        expect(digest).toBe(digestOf(Buffer.concat(parts), algorithm))
        expect(isDigest(digest)).toBe(true)
      }),
    )
  })
})

describe('ranges', () => {
  it('survive being written and read', () => {
    fc.assert(
      fc.property(size, size, size, (a, b, c) => {
        const [start = 0, last = 0, total = 0] = [a, b, c].sort((x, y) => x - y)
        fc.pre(last < total)
        const range = { start, end: last + 1 }
        expect(parseContentRange(formatContentRange(range, total))).toEqual({ ...range, sizeBytes: total })
        const request = parseRange(formatRange(start, last + 1))
        expect(request && resolveRange(request, total)).toEqual(range)
        const open = parseRange(formatRange(start))
        expect(open && resolveRange(open, total)).toEqual({ start, end: total })
      }),
    )
  })

  it('resolve inside the content or not at all, whatever the header', () => {
    const digits = fc.oneof(fc.constant(''), fc.nat().map(String), fc.stringMatching(/^\d{1,30}$/))
    const header = fc.oneof(
      fc.string(),
      fc.tuple(digits, digits).map(([first, last]) => `bytes=${first}-${last}`),
    )
    fc.assert(
      fc.property(header, size, (text, total) => {
        const request = parseRange(text)
        if (request === undefined) return
        try {
          const { start, end } = resolveRange(request, total)
          expect(start).toBeGreaterThanOrEqual(0)
          expect(end).toBeGreaterThan(start)
          expect(end).toBeLessThanOrEqual(total)
        } catch (error) {
          expect(error).toMatchObject({ code: 'RANGE_INVALID' })
        }
      }),
    )
  })
})

describe('registry paths', () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}$/)
  const name = fc.array(part, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))

  it('of every name are read back', () => {
    fc.assert(
      fc.property(name, fc.uint8Array(), (repository, content) => {
        expect(isRepositoryName(repository)).toBe(true)
        const digest = digestOf(content)
        expect(parseRegistryPath(`/v2/${repository}/blobs/${digest}`)).toEqual({
          kind: 'blob',
          name: repository,
          digest,
        })
        const manifest = { kind: 'manifest', name: repository, reference: 'v1' }
        expect(parseRegistryPath(`/v2/${repository}/manifests/v1`)).toEqual(manifest)
        expect(parseRegistryPath(`/v2/${repository}/tags/list`)).toEqual({ kind: 'tags', name: repository })
      }),
    )
  })

  it('give a valid name or a table error, whatever the path', () => {
    const fragment = fc.constantFrom(
      '/',
      'v2',
      'a',
      '..',
      'blobs',
      'manifests',
      'uploads',
      'tags',
      'list',
      ':',
      '%2e',
      '\0',
    )
    const path = fc.oneof(
      fc.string(),
      fc.array(fragment, { maxLength: 12 }).map(parts => `/v2/${parts.join('')}`),
    )
    fc.assert(
      fc.property(path, text => {
        try {
          const found = parseRegistryPath(text)
          if (found.kind !== 'base') expect(isRepositoryName(found.name)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(DamselflyError)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('tasks of URLs', () => {
  it('do not depend on the spelling and change with every part', () => {
    const text = fc.string({ maxLength: 12 })
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), text, text, (url, validator, tag) => {
        const id = taskIdOfUrl({ url, validator, tag })
        expect(isTaskId(id)).toBe(true)
        expect(normaliseUrl(normaliseUrl(url))).toBe(normaliseUrl(url))
        expect(taskIdOfUrl({ url: `${normaliseUrl(url)}#fragment`, validator, tag })).toBe(id)
        expect(taskIdOfUrl({ url, validator: `${validator}x`, tag })).not.toBe(id)
        expect(taskIdOfUrl({ url, validator, tag: `${tag}x` })).not.toBe(id)
      }),
    )
  })
})
