import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolViolation } from '../framing.ts'
import { oauthFailure, readBearerToken } from './oauthbearer.ts'

const read = (text: string) => readBearerToken(Buffer.from(text, 'latin1'))

describe('the first response', () => {
  it.each([
    ['what libpq sends', 'n,,\u0001auth=Bearer a.b-c_d~e+f/g==\u0001\u0001', 'a.b-c_d~e+f/g=='],
    ['a client that could bind channels', 'y,,\u0001auth=Bearer x\u0001\u0001', 'x'],
    ['a scheme in other letters', 'n,,\u0001auth=bEARER  x\u0001\u0001', 'x'],
    ['with host and port', 'n,,\u0001host=a.example\u0001port=5432\u0001auth=Bearer x\u0001\u0001', 'x'],
    ['no token: how to get one?', 'n,,\u0001auth=\u0001\u0001', undefined],
  ])('%s', (_, text, token) => expect(read(text)).toBe(token))

  it.each([
    ['nothing', ''],
    ['a token alone', 'x'],
    ['channel binding', 'p=tls-server-end-point,,\u0001auth=Bearer x\u0001\u0001'],
    ['another identity', 'n,a=admin,\u0001auth=Bearer x\u0001\u0001'],
    ['no header', '\u0001auth=Bearer x\u0001\u0001'],
    ['no end', 'n,,\u0001auth=Bearer x\u0001'],
    ['bytes behind the end', 'n,,\u0001auth=Bearer x\u0001\u0001y'],
    ['a third separator', 'n,,\u0001auth=Bearer x\u0001\u0001\u0001'],
    ['no auth', 'n,,\u0001host=a\u0001\u0001'],
    ['two of them', 'n,,\u0001auth=Bearer x\u0001auth=Bearer y\u0001\u0001'],
    ['another scheme', 'n,,\u0001auth=Basic x\u0001\u0001'],
    ['a scheme without a token', 'n,,\u0001auth=Bearer \u0001\u0001'],
    ['two tokens', 'n,,\u0001auth=Bearer x y\u0001\u0001'],
    ['bytes that no token has', 'n,,\u0001auth=Bearer \u00e9\u0001\u0001'],
    ['a key that is none', 'n,,\u0001a1=b\u0001auth=Bearer x\u0001\u0001'],
    ['a pair that is none', 'n,,\u0001abc\u0001auth=Bearer x\u0001\u0001'],
    ['a NUL', 'n,,\u0001auth=Bearer x\0\u0001\u0001'],
  ])('is refused: %s', (_, text) => expect(() => read(text)).toThrow(ProtocolViolation))

  it('gives a token of permitted characters or a violation without a part of it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        for (const sent of [Buffer.from(bytes), Buffer.from(`n,,\u0001auth=Bearer ${text}\u0001\u0001`)]) {
          try {
            expect(readBearerToken(sent) ?? 'x').toMatch(/^[A-Za-z0-9._~+/-]+=*$/)
          } catch (error) {
            if (!(error instanceof ProtocolViolation)) throw error
            if (text.trim().length > 8) expect(error.message).not.toContain(text.trim())
          }
        }
      }),
    )
  })
})

describe('a failure', () => {
  it('tells where to get a token', () => {
    const url = 'https://issuer.example/.well-known/openid-configuration'
    const told: unknown = JSON.parse(oauthFailure({ openidConfiguration: url, scope: 'openid "x"' }).toString())
    expect(told).toEqual({ status: 'invalid_token', 'openid-configuration': url, scope: 'openid "x"' })
  })
})
