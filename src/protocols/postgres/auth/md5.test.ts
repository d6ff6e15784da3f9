import { describe, expect, it } from 'vitest'
import { md5Password } from './md5.ts'

describe('md5Password', () => {
  // Computed with Python's hashlib as the documentation describes it (AuthenticationMD5Password).
  it.each([
    ['postgres', 'secret', '01020304', 'md5bb41a296aab6baccb36ff243a562abff'],
    ['md5user', 'sécret', '00ff10e3', 'md5499855581c3da8c43db50d6de15bc29b'],
  ])('%s, %s, %s', (user, password, salt, expected) => {
    expect(md5Password(user, password, Buffer.from(salt, 'hex'))).toBe(expected)
  })
})
