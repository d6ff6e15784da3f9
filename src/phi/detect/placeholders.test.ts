import { expect, it } from 'vitest'
import { PHI_CLASSES } from '../classes.ts'
import { hasPlaceholder, placeholderOf, replaceSpans } from './placeholders.ts'

it('names the class, and of dates no more than that they are dates', () => {
  expect((['name', 'ssn', 'date-of-birth', 'date-of-death', 'free-text'] as const).map(placeholderOf)).toEqual([
    '[name]',
    '[ssn]',
    '[date]',
    '[date]',
    '[redacted]',
  ])
})

it('replaces spans and keeps the rest', () => {
  const spans = [
    { start: 0, end: 3, class: 'name', detector: '' },
    { start: 7, end: 9, class: 'age', detector: '' },
  ] as const
  expect(replaceSpans('Ann is 94', spans)).toBe('[name] is [age]')
  expect(replaceSpans('nothing', [])).toBe('nothing')
})

it('recognises every placeholder in a text', () => {
  for (const phiClass of PHI_CLASSES) expect(hasPlaceholder(`seen ${placeholderOf(phiClass)} today`)).toBe(true)
  expect(hasPlaceholder('[ ] done, [names] of three')).toBe(false)
  expect(hasPlaceholder('')).toBe(false)
})
