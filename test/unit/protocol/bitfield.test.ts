import { describe, expect, it } from 'vitest'
import { Bitfield } from '../../../protocol/bitfield.ts'

describe('Bitfield', () => {
  it('sets, clears and counts bits', () => {
    const field = new Bitfield()
    expect(field.add(3)).toBe(true)
    expect(field.add(3)).toBe(false)
    expect(field.add(1000)).toBe(true)
    expect([field.has(3), field.has(4), field.has(1000)]).toEqual([true, false, true])
    expect([...field]).toEqual([3, 1000])
    expect(field.count).toBe(2)
    expect(field.delete(3)).toBe(true)
    expect(field.delete(3)).toBe(false)
    expect(field.delete(1_000_000)).toBe(false)
    expect(field.count).toBe(1)
  })

  it('puts the first index into the most significant bit', () => {
    const field = new Bitfield(20)
    for (const index of [0, 9, 15]) field.add(index)
    expect([...field.toBytes()]).toEqual([0b1000_0000, 0b0100_0001])
  })

  it('leaves trailing zero bytes out of the wire form', () => {
    const field = new Bitfield(1024)
    expect(field.toBytes()).toHaveLength(0)
    field.add(900)
    field.add(0)
    field.delete(900)
    expect([...field.toBytes()]).toEqual([0x80])
  })

  it('finds the first clear index, past full bytes too', () => {
    const field = new Bitfield()
    expect(field.firstClear()).toBe(0)
    for (let index = 0; index < 27; index++) if (index !== 5) field.add(index)
    expect(field.firstClear()).toBe(5)
    expect(field.firstClear(6)).toBe(27)
    expect(field.firstClear(500)).toBe(500)
    field.add(5)
    expect(field.firstClear()).toBe(27)
  })

  // The slice of a Buffer is a view: the field changed when the network buffer was used again.
  it('copies the bytes that it is read from, also those of a Buffer', () => {
    const bytes = Buffer.from([0b1010_0000])
    const field = Bitfield.fromBytes(bytes)
    bytes.fill(0)
    expect([...field]).toEqual([0, 2])
    field.add(7)
    expect(bytes[0]).toBe(0)
    const wire = field.toBytes()
    wire.fill(0)
    expect([...field]).toEqual([0, 2, 7])
  })

  // A shift takes its count modulo 32, so that index 2^32 named bit 0.
  it('holds no index past 32 bits', () => {
    const field = new Bitfield()
    field.add(0)
    expect([2 ** 32, 2 ** 35, -1, -8].map(index => field.has(index))).toEqual([false, false, false, false])
    expect(field.delete(2 ** 32)).toBe(false)
    for (const index of [2 ** 31, 2 ** 32, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => field.add(index)).toThrow(RangeError)
    }
    expect([...field]).toEqual([0])
  })
})
