import { expect, test } from 'vitest'
import { apiRefusal } from '../../../../lib/http/api-refusal.ts'

test('is the error that a program of ours answered with', () => {
  const refusal = apiRefusal({ code: 'TASK_UNKNOWN', message: 'task unknown: nobody has it' })
  expect(refusal).toMatchObject({ code: 'TASK_UNKNOWN', detail: 'nobody has it' })
})

test.each([null, 1, 'TASK_UNKNOWN', [], {}, { code: 5 }, { code: ['INTERNAL'] }, { code: 'toString' }])(
  'is none in %j',
  body => {
    expect(apiRefusal(body)).toBeUndefined()
  },
)

test('a message that is no text does not break who reads it', () => {
  expect(apiRefusal({ code: 'INTERNAL', message: 5 })).toMatchObject({ code: 'INTERNAL' })
})
