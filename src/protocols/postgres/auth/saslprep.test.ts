import { describe, expect, it } from 'vitest'
import { saslprep } from './saslprep.ts'
import * as tables from './saslprep-tables.ts'

describe('saslprep', () => {
  it.each([
    // RFC 4013 section 3
    ['I\u00adX', 'IX', 'a soft hyphen is mapped to nothing'],
    ['user', 'user', 'nothing to do'],
    ['USER', 'USER', 'case stays'],
    ['\u00aa', 'a', 'normalised by NFKC'],
    ['\u2168', 'IX', 'normalised by NFKC'],
    // what PostgreSQL does beside it
    ['\u0007', '\u0007', 'ASCII is taken as it is, even a control character that RFC 4013 prohibits'],
    ['\u0627\u0031', '\u0627\u0031', 'text that breaks the rules for direction is taken as it is'],
    ['\u0627a\u0627', '\u0627a\u0627', 'a left-to-right letter among right-to-left ones'],
    ['\u0627\u0031\u0628\u00ad', '\u06271\u0628', 'right-to-left text with a digit inside'],
    ['a\u00a0b', 'a b', 'a space outside ASCII becomes one inside'],
    ['a\u200bb', 'a b', 'a zero width space counts as a space before it counts as nothing'],
    ['\u00ad', '\u00ad', 'what would be empty is taken as it is'],
    ['\u2168\u0007', '\u2168\u0007', 'a prohibited character: nothing is normalised'],
    ['\u2168\u{1F600}', '\u2168\u{1F600}', 'a character that Unicode 3.2 does not have: nothing is normalised'],
    ['\u2168\ue000', '\u2168\ue000', 'a character of private use'],
    ['e\u0301', '\u00e9', 'composed'],
    ['', '', 'empty'],
  ])('%j becomes %j: %s', (password, prepared) => {
    expect(saslprep(password)).toBe(prepared)
  })

  it.each(Object.entries(tables))('table %s is in order and without overlap', (_name, ranges) => {
    expect(ranges.length % 2).toBe(0)
    let before = -1
    for (let i = 0; i < ranges.length; i += 2) {
      const first = ranges[i] ?? 0
      const last = ranges[i + 1] ?? 0
      expect(first).toBeGreaterThan(before)
      expect(last).toBeGreaterThanOrEqual(first)
      before = last
    }
  })
})
