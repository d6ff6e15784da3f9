import { describe, expect, it } from 'vitest'
import { parseDuration, parseSize } from './quantities.ts'

describe('durations and sizes', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%s is %i ms', (text, expected) => expect(parseDuration(text)).toBe(expected))

  it.each([
    ['512B', 512],
    ['1kB', 1000],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['10GB', 10_000_000_000],
    ['1GiB', 1_073_741_824],
  ])('%s is %i bytes', (text, expected) => expect(parseSize(text)).toBe(expected))

  it.each(['', '1', 's', '-1s', '1.5s', '1 s', '1S', '1s1s', '1e3s', '9999999999s', 's1', '١s'])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
      expect(parseSize(text)).toBeUndefined()
    },
  )
})
