import { aessiv } from '@noble/ciphers/aes.js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE32, fromBase32, toBase32 } from './base32.ts'
import { sealedTexts } from './sealed-text.ts'

const key = (fill: number) => Buffer.alloc(32, fill)
const texts = sealedTexts([key(1)], 'names')
const short = fc.string({ unit: 'binary', maxLength: 60 })

const bytes = (hex: string) => Buffer.from(hex, 'hex')

describe('the library', () => {
  it('seals as RFC 5297, A.1, says', () => {
    const cipher = aessiv(
      bytes('fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
      bytes('101112131415161718191a1b1c1d1e1f2021222324252627'),
    )
    expect(Buffer.from(cipher.encrypt(bytes('112233445566778899aabbccddee'))).toString('hex')).toBe(
      '85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c',
    )
  })
})

describe('base 32', () => {
  it('means the bytes that it was made of, and no other text does', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (original) => {
        const text = toBase32(original)
        expect(fromBase32(text)).toEqual(Buffer.from(original))
        expect(fromBase32(`${text}0`)).not.toEqual(Buffer.from(original))
      }),
    )
    for (const text of ['i', 'O', 'é', '1', '01z', '0z']) expect(fromBase32(text)).toBeUndefined()
  })
})

describe('sealedTexts', () => {
  it('opens what it has sealed, always alike', () => {
    fc.assert(
      fc.property(short, (text) => {
        const sealed = texts.seal(text) ?? ''
        expect(sealed).toMatch(/^[0-9a-hjkmnp-tv-z]{54,}$/)
        expect(texts.open(sealed)).toBe(Buffer.from(text).toString())
        expect(sealedTexts([key(1)], 'names').seal(text)).toBe(sealed)
      }),
    )
  })

  it('seals different texts differently, and shows their length in steps of 16 bytes', () => {
    expect(texts.seal('Ann')).not.toBe(texts.seal('Ann '))
    expect(texts.seal('Ann')).toHaveLength(texts.seal('Zebediah')?.length ?? 0)
    expect(texts.seal('')).toHaveLength(54)
    expect(texts.seal('x'.repeat(256))).toBeDefined()
    expect(texts.seal('x'.repeat(257))).toBeUndefined()
  })

  it('opens nothing that was changed, or sealed for another purpose or with another key', () => {
    const sealed = texts.seal('Smith') ?? ''
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom(...BASE32.split('')), (at, digit) => {
        const changed = sealed.slice(0, at) + digit + sealed.slice(at + 1)
        expect(texts.open(changed)).toBe(changed === sealed ? 'Smith' : undefined)
      }),
    )
    expect(sealedTexts([key(1)], 'cities').open(sealed)).toBeUndefined()
    expect(sealedTexts([key(2)], 'names').open(sealed)).toBeUndefined()
    for (const text of ['', '00', sealed.slice(0, 30), `${sealed}${sealed}`, 'no'])
      expect(texts.open(text)).toBeUndefined()
  })

  it('goes on to open what previous keys have sealed, and seals with the current one', () => {
    const rotated = sealedTexts([key(2), key(1)], 'names')
    expect(rotated.open(texts.seal('Smith') ?? '')).toBe('Smith')
    expect(rotated.seal('Smith')).toBe(sealedTexts([key(2)], 'names').seal('Smith'))
    expect(rotated.seal('Smith')).not.toBe(texts.seal('Smith'))
  })
})
