import { expect, test } from 'vitest'
import { parseProfiles } from '../../../../../lib/origin/s3/s3-profiles.ts'

const BLANKS = ' '.repeat(200_000)

test.each([`[${BLANKS}`, `[a]\nkey${BLANKS}x`, `[a]\nkey = ${BLANKS}x`])(
  'a line of blanks takes no time by a power of their number: %#',
  text => {
    expect(parseProfiles(text).get('a')?.get('key') ?? 'x').toBe('x')
  },
)
