import { describe, expect, it } from 'vitest'
import { parseMemberPath } from './member-path.ts'

describe('parseMemberPath', () => {
  it.each([
    ['birthDate', ['birthDate']],
    ['name.family', ['name', 'family']],
    ['a b.c*', ['a b', 'c*']],
    ['"http://x.org/y"."q""q"', ['http://x.org/y', 'q"q']],
    ['naïve.名', ['naïve', '名']],
    ['[0]', ['[0]']],
  ])('reads %j', (path, expected) => {
    expect(parseMemberPath(path)).toEqual(expected)
  })

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '"a',
    'a"b"',
    '"a"b',
    '""',
    'a\nb',
    Array.from({ length: 33 }, () => 'a').join('.'),
  ])('refuses %j', (path) => {
    expect(parseMemberPath(path)).toBeUndefined()
  })
})
