import { describe, expect, it } from 'vitest'
import { isDea, isIban, isIpv6, isIssuableSsn, isLuhn, isNpi, isVerhoeff, isVin } from './checksums.ts'

describe.each([
  ['isLuhn', isLuhn, ['4111111111111111', '5500 0055 5555 5559'], ['4111111111111112', '', '7']],
  ['isNpi', isNpi, ['1234567893'], ['1234567890', '3234567893', '12345678931']],
  ['isDea', isDea, ['AB1234563', 'F91234563'], ['AB1234564', 'A1234563', '']],
  [
    'isIssuableSsn',
    isIssuableSsn,
    ['212-09-7694', '212097694'],
    ['000-12-3456', '666-12-3456', '999-50-8136', '123-00-4567', '123-45-0000', '078-05-1120', '987-65-4320', '1'],
  ],
  ['isVin', isVin, ['1M8GDM9AXKP042788', '11111111111111111'], ['1M8GDM9A1KP042788', 'IM8GDM9AXKP042788', '']],
  ['isIban', isIban, ['GB82WEST12345698765432', 'DE89 3704 0044 0532 0130 00'], ['GB82WEST12345698765431', '']],
  [
    'isIpv6',
    isIpv6,
    ['2001:0db8:85a3:0000:0000:8a2e:0370:7334', '::1', '2001:db8::', '::'],
    ['12:34:56', '1::2::3', '1:2:3:4:5:6:7:8:9', 'g::1', ''],
  ],
  ['isVerhoeff', isVerhoeff, ['185349003', '73211009'], ['185349004', '']],
] as const)('%s', (_, check, valid, invalid) => {
  it.each(valid)('takes %s', (text) => expect(check(text)).toBe(true))
  it.each(invalid)('does not take "%s"', (text) => expect(check(text)).toBe(false))
})
