import { randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE32_CHECK, type CheckCode, DECIMAL_CHECK, HEX_CHECK } from './check-code.ts'
import { TOKEN_FORMS, type TokenForm } from './stand-ins.ts'
import {
  holdsToken,
  newToken,
  NUMBER_TOKENS,
  recogniseNumberToken,
  recogniseToken,
  TOKEN_LENGTH,
  TOKEN_RANDOM_BYTES,
} from './token-text.ts'

const random = fc
  .uint8Array({ minLength: TOKEN_RANDOM_BYTES, maxLength: TOKEN_RANDOM_BYTES })
  .map((bytes) => Buffer.from(bytes))
const CHECKED = ['text', 'short', 'email', 'phone', 'uuid'] as const

const SHAPES: Readonly<Record<TokenForm, RegExp>> = {
  text: /^tok_[0-9a-hjkmnp-tv-z]{18}$/u,
  short: /^~[0-9a-hjkmnp-tv-z]{10}$/u,
  email: /^tok-[0-9a-hjkmnp-tv-z]{18}@token\.invalid$/u,
  phone: /^\+999[0-9]{18}$/u,
  integer: /^-[12][0-9]{9}$/u,
  bigint: /^-[4-9][0-9]{15}$/u,
  uuid: /^746f6b[0-9a-f]{2}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u,
}

/** Where a token is random or a check character: what a slip can hit. */
const PAYLOAD: Readonly<Record<(typeof CHECKED)[number], readonly [alphabet: string, from: number, to: number]>> = {
  text: ['0123456789abcdefghjkmnpqrstvwxyz', 4, 22],
  short: ['0123456789abcdefghjkmnpqrstvwxyz', 1, 11],
  email: ['0123456789abcdefghjkmnpqrstvwxyz', 4, 22],
  phone: ['0123456789', 4, 22],
  uuid: ['0123456789abcdef', 6, 36],
}

function isGenuine(token: string): boolean {
  const found = recogniseToken(token)
  return found !== null && found !== 'malformed'
}

describe('newToken', () => {
  it.each(TOKEN_FORMS)('makes %s tokens of one shape, which are recognised', (form) => {
    fc.assert(
      fc.property(random, (bytes) => {
        const token = newToken(form, bytes)
        expect(token).toMatch(SHAPES[form])
        const recognised = form === 'integer' || form === 'bigint' ? recogniseNumberToken(token) : recogniseToken(token)
        expect(recognised).toEqual({ form, token })
        if (form !== 'integer' && form !== 'bigint' && form !== 'uuid') expect(token).toHaveLength(TOKEN_LENGTH[form])
      }),
    )
  })

  it('uses the whole range of numbers and no more', () => {
    const ones = Buffer.alloc(TOKEN_RANDOM_BYTES, 0xff)
    const zeros = Buffer.alloc(TOKEN_RANDOM_BYTES)
    expect(newToken('integer', zeros)).toBe(String(-(2 ** 30)))
    expect(newToken('integer', ones)).toBe(String(-(2 ** 31 - 1)))
    expect(newToken('bigint', zeros)).toBe(String(-(2n ** 52n)))
    expect(newToken('bigint', ones)).toBe(String(-(2n ** 53n - 1n)))
    expect(Number(newToken('bigint', ones))).toBe(NUMBER_TOKENS.bigint.least)
  })

  it('does not repeat', () => {
    for (const form of TOKEN_FORMS) {
      const made = new Set(Array.from({ length: 2000 }, () => newToken(form, randomBytes(TOKEN_RANDOM_BYTES))))
      // Of a billion integers 2,000 are drawn.
      expect(made.size).toBeGreaterThan(1990)
    }
  })

  it('takes no other number of bytes', () => {
    expect(() => newToken('text', Buffer.alloc(15))).toThrow(RangeError)
  })
})

describe('check characters', () => {
  it.each([
    ['text', BASE32_CHECK, 18],
    ['phone', DECIMAL_CHECK, 18],
    ['uuid', HEX_CHECK, 32],
  ] as const)('have a different weight in every place of %s tokens', (_form, { radix, prime }: CheckCode, places) => {
    const weights = new Set<number>()
    for (let i = 0, weight = 1; i < places; i += 1, weight = (weight * radix) % prime) weights.add(weight)
    expect(weights.size).toBe(places)
    for (let divisor = 2; divisor * divisor <= prime; divisor += 1) expect(prime % divisor).not.toBe(0)
  })

  it.each(CHECKED)('find every slip and every transposition in %s tokens', (form) => {
    const [alphabet, from, to] = PAYLOAD[form]
    fc.assert(
      fc.property(random, (bytes) => {
        const token = newToken(form, bytes)
        const put = (at: number, character: string) => token.slice(0, at) + character + token.slice(at + 1)
        for (let i = from; i < to; i += 1) {
          if (token[i] === '-') continue
          for (const other of alphabet) if (other !== token[i]) expect(isGenuine(put(i, other))).toBe(false)
          for (let j = i + 1; j < to; j += 1) {
            if (token[j] === '-' || token[i] === token[j]) continue
            const swapped = put(i, token[j] ?? '')
            expect(isGenuine(swapped.slice(0, j) + token[i] + swapped.slice(j + 1))).toBe(false)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('recogniseToken', () => {
  const text = newToken('text', Buffer.alloc(TOKEN_RANDOM_BYTES, 7))
  const short = newToken('short', Buffer.alloc(TOKEN_RANDOM_BYTES, 7))
  const email = newToken('email', Buffer.alloc(TOKEN_RANDOM_BYTES, 7))
  const phone = newToken('phone', Buffer.alloc(TOKEN_RANDOM_BYTES, 7))
  const uuid = newToken('uuid', Buffer.alloc(TOKEN_RANDOM_BYTES, 7))

  it.each([
    ['in upper case', text.toUpperCase()],
    ['with a prefix in upper case', `TOK_${text.slice(4)}`],
    ['cut off', text.slice(0, -1)],
    ['cut off to the prefix', 'tok_'],
    ['with something behind it', `${text}x`],
    ['with a letter that no token has', `${text.slice(0, -1)}u`],
    ['a short one in upper case', short.toUpperCase()],
    ['a short one that was made up', '~abcdefghjk'],
    ['an e-mail address in upper case', email.toUpperCase()],
    ['an e-mail address that was cut', `tok-abc@token.invalid`],
    ['a phone number of another length', `${phone}0`],
    ['a phone number cut off', phone.slice(0, -1)],
    ['a UUID in upper case', uuid.toUpperCase()],
    ['a UUID in braces', `{${uuid}}`],
    ['a UUID without hyphens', uuid.replaceAll('-', '')],
  ])('takes what is %s for malformed', (_what, spelled) => {
    expect(recogniseToken(spelled)).toBe('malformed')
  })

  it.each([
    '',
    'Smith',
    'tok',
    'token_12',
    'tok_ 12',
    `see ${text}`,
    `${text} `,
    '~',
    '~abc',
    '~abcdefghijkl',
    'tok-abc@example.org',
    'ann@token.invalid',
    '+999',
    '+99912345678901',
    '+15551234567',
    uuid.toUpperCase().replace('746F6B', '746F6C'),
    '746f6b00-0000-4000-8000-000000000000',
    '-1500000000',
    'x'.repeat(100),
  ])('takes %j for something else', (spelled) => {
    expect(recogniseToken(spelled)).toBeNull()
  })

  it('finds UUIDs with other check digits malformed', () => {
    const other = uuid[6] === '0' ? '1' : '0'
    expect(recogniseToken(uuid.slice(0, 6) + other + uuid.slice(7))).toBe('malformed')
  })

  it('never takes random text, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (spelled) => {
        const found = recogniseToken(spelled)
        expect(found === null || found === 'malformed').toBe(true)
      }),
    )
  })
})

describe('recogniseNumberToken', () => {
  it.each([
    ['-1073741824', 'integer'],
    ['-2147483647', 'integer'],
    ['-4503599627370496', 'bigint'],
    ['-9007199254740991', 'bigint'],
  ])('takes %s for a token', (token, form) => {
    expect(recogniseNumberToken(token)).toEqual({ form, token })
  })

  it.each([
    '0',
    '-1',
    '5',
    '-1073741823',
    '-2147483648',
    '-4503599627370495',
    '-9007199254740992',
    '1500000000',
    '-1500000000.5',
    'x',
  ])('takes %s for something else', (number) => {
    expect(recogniseNumberToken(number)).toBeNull()
  })
})

describe('holdsToken', () => {
  it('finds every form but numbers within a text', () => {
    fc.assert(
      fc.property(random, fc.constantFrom(...CHECKED), (bytes, form) => {
        const token = newToken(form, bytes)
        for (const around of [`seen ${token}, again`, `~1234567${token}`, token, `(${token})`, `${token}\n`])
          expect(holdsToken(around)).toBe(true)
      }),
    )
  })

  it('is not misled by what looks like one', () => {
    for (const other of ['', 'tok_abc', 'see ~abcdefghjk', '+999 1234', 'tok_000000000000000000']) {
      expect(holdsToken(other)).toBe(false)
    }
  })
})
