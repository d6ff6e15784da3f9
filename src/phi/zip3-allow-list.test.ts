import { describe, expect, it } from 'vitest'
import { ZIP3_ALLOWED } from './zip3-allow-list.ts'

describe('ZIP3_ALLOWED', () => {
  it('holds 871 prefixes of three digits', () => {
    expect(ZIP3_ALLOWED.size).toBe(871)
    expect([...ZIP3_ALLOWED].every((prefix) => Number.isInteger(prefix) && prefix > 0 && prefix < 1000)).toBe(true)
  })

  it('holds none of the 17 prefixes that HHS printed from the 2000 Census', () => {
    const printed = [36, 59, 63, 102, 203, 556, 692, 790, 821, 823, 830, 831, 878, 879, 884, 890, 893]
    expect(printed.filter((prefix) => ZIP3_ALLOWED.has(prefix))).toEqual([])
  })

  it('holds none that fell to 20,000 or below by 2010, and none without residents', () => {
    const later = [205, 369, 202, 204, 753, 772, 90, 340, 962, 966, 0]
    expect(later.filter((prefix) => ZIP3_ALLOWED.has(prefix))).toEqual([])
  })
})
