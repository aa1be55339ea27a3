const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A size for people: `0 B`, `999 B`, `1.0 KiB`, `64.0 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 'B'
  for (const next of UNITS) {
    // What would be rounded to 1024 belongs to the next unit.
    if (value < (unit === 'B' ? 1024 : 1023.95)) break
    value /= 1024
    unit = next
  }
  return unit === 'B' ? `${Math.round(value)} B` : `${value.toFixed(1)} ${unit}`
}

/** A time for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${twoDigits(whole % 60)} s`
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
}

/** A measured time for people, more exactly: `3.21 s`, `42.0 s`, `2 min 5 s`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`
}

/** A share for people, `75 %`. What is neither nothing nor all is never shown as 0 or 100. */
export function formatShare(part: number, whole: number): string {
  if (part <= 0 || whole <= 0) return '0 %'
  if (part >= whole) return '100 %'
  return `${Math.min(99, Math.max(1, Math.round((part / whole) * 100)))} %`
}

/** Text with everything replaced that a terminal would obey instead of show. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
