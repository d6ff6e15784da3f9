import { describe, expect, it } from 'vitest'
import { DEFAULT_FRAME_LIMITS, lengthLimits, limitsBeforeLogin } from './limits.ts'
import { FRONTEND } from './messages.ts'

describe('limitsBeforeLogin', () => {
  it('lets no message be longer than an authentication message', () => {
    const table = lengthLimits('frontend', limitsBeforeLogin(DEFAULT_FRAME_LIMITS))
    for (const type of Object.values(FRONTEND)) expect(table[type]).toBeLessThanOrEqual(65_535)
    expect(table[FRONTEND.AuthenticationResponse]).toBe(65_535)
    expect(table[FRONTEND.Terminate]).toBe(10_000)
  })
})

describe('lengthLimits', () => {
  it('makes one table a set of limits', () => {
    expect(lengthLimits('frontend', DEFAULT_FRAME_LIMITS)).toBe(lengthLimits('frontend', DEFAULT_FRAME_LIMITS))
    expect(lengthLimits('backend', DEFAULT_FRAME_LIMITS)).not.toBe(lengthLimits('frontend', DEFAULT_FRAME_LIMITS))
  })

  it('keeps the defaults in the range that a length field can say', () => {
    for (const limit of Object.values(DEFAULT_FRAME_LIMITS)) {
      expect(limit).toBeGreaterThanOrEqual(4)
      expect(limit).toBeLessThanOrEqual(0x7fff_ffff)
    }
  })
})
