import { DamselflyError } from '../../../../protocol/errors.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** Reads after how many seconds a token expires, as `90d`, `24h`, `30m`; 0 for `never`. @throws DamselflyError CONFIG_INVALID */
export function parseExpiry(text: string): number {
  if (text === 'never') return 0
  const [, digits, unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? []
  if (digits !== undefined) return Number(digits) * (SECONDS[unit] ?? 0)
  throw new DamselflyError(
    'CONFIG_INVALID',
    `--expires: "${text}" is no time; expected one as 30m, 24h or 90d, or never`,
  )
}
