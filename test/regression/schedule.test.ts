import { expect, it } from 'vitest'
import { readSchedule } from './schedule.ts'

it('reads groups in order, without comments and ignore lines', () => {
  const text = '# a comment\n\ntest: test_setup\nignore: random\ntest: boolean  char\n# test: not_this\ntest:\n'
  expect(readSchedule(text)).toEqual([['test_setup'], ['boolean', 'char']])
})
