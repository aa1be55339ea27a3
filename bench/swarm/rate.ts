import { DamselflyError } from '../../protocol/errors.ts'

const RATE = /^(\d+(?:\.\d+)?)([kmg]?)(?:bit)?$/i
const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }
const MIN_RATE = 1e6
const MAX_RATE = 100e9

/**
 * Reads the rate of a link as tc(8) writes it, `100mbit`, or shorter, `100M`.
 * @param setting whose value it is, for the error
 * @returns bit/s
 * @throws DamselflyError CONFIG_INVALID for what is no rate, or is outside 1 Mbit/s to 100 Gbit/s
 */
export function parseRate(text: string, setting: string): number {
  const [, digits, unit = ''] = RATE.exec(text) ?? []
  const rate = digits === undefined ? Number.NaN : Math.round(Number(digits) * (FACTORS[unit.toLowerCase()] ?? 1))
  if (rate >= MIN_RATE && rate <= MAX_RATE) return rate
  const detail = `${setting} must be a rate from 1mbit to 100gbit, such as 100mbit; "${text}" is none`
  throw new DamselflyError('CONFIG_INVALID', detail)
}
