import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolViolation } from '../framing.ts'
import { MAX_SCRAM_ITERATIONS } from '../limits.ts'
import { saslprep } from './saslprep.ts'
import { type ScramChallenge, ScramClient } from './scram.ts'

// RFC 7677 section 3.
const VECTOR = {
  user: 'user',
  password: 'pencil',
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

const client = (more: Partial<ConstructorParameters<typeof ScramClient>[0]> = {}): ScramClient =>
  new ScramClient({ user: VECTOR.user, nonce: VECTOR.nonce, ...more })

const saltedPassword = (password: string, { salt, iterations }: ScramChallenge): Buffer =>
  pbkdf2Sync(saslprep(password), salt, iterations, 32, 'sha256')

/** The client's answer to a server's first message. */
const answer = (scram: ScramClient, serverFirst: string, password = VECTOR.password): Buffer =>
  scram.respond(saltedPassword(password, scram.challenge(Buffer.from(serverFirst))))

const violates = (act: () => unknown): ProtocolViolation => {
  try {
    act()
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
  throw new Error('no violation')
}

const hmac = (key: Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest()

/** A server for the exchange, written from RFC 5802 alone. */
function server(password: string, binding: { header: string; data?: Buffer }) {
  const salt = Buffer.from('0123456789abcdef')
  const salted = pbkdf2Sync(saslprep(password), salt, 4096, 32, 'sha256')
  return {
    exchange(scram: ScramClient): { accepted: boolean; final: Buffer } {
      const { response } = scram.start()
      const first = response.toString()
      expect(first.startsWith(binding.header)).toBe(true)
      const bare = first.slice(binding.header.length)
      const nonce = `${bare.slice(bare.indexOf('r=') + 2)}server`
      const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=4096`
      const final = answer(scram, serverFirst, password).toString()
      const at = final.lastIndexOf(',p=')
      const authMessage = `${bare},${serverFirst},${final.slice(0, at)}`
      const expectedBinding = Buffer.concat([Buffer.from(binding.header), binding.data ?? Buffer.alloc(0)])
      expect(final.split(',')[0]).toBe(`c=${expectedBinding.toString('base64')}`)
      expect(final.split(',')[1]).toBe(`r=${nonce}`)
      const clientKey = hmac(salted, 'Client Key')
      const storedKey = createHash('sha256').update(clientKey).digest()
      const signature = hmac(storedKey, authMessage)
      const proof = Buffer.from(final.slice(at + 3), 'base64')
      const recovered = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)))
      const accepted = createHash('sha256').update(recovered).digest().equals(storedKey)
      return { accepted, final: Buffer.from(`v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`) }
    },
  }
}

describe('ScramClient', () => {
  it('gives the messages of RFC 7677', () => {
    const scram = client()
    expect(scram.start().mechanism).toBe('SCRAM-SHA-256')
    expect(scram.start().response.toString()).toBe(VECTOR.first)
    expect(answer(scram, VECTOR.serverFirst).toString()).toBe(VECTOR.final)
    expect(scram.verified).toBe(false)
    scram.finish(Buffer.from(VECTOR.serverFinal))
    expect(scram.verified).toBe(true)
  })

  it('takes a challenge apart', () => {
    const scram = client()
    scram.start()
    const challenge = scram.challenge(Buffer.from(VECTOR.serverFirst))
    expect(challenge).toEqual({ salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), iterations: 4096 })
  })

  it('proves itself to a server, with and without channel binding', () => {
    const data = createHash('sha256').update('certificate').digest()
    for (const password of ['pencil', 'pä\u00adss wörd', '\u{1F600}', '']) {
      for (const [options, binding] of [
        [{}, { header: 'n,,' }],
        [{ bindingNotOffered: true }, { header: 'y,,' }],
        [{ channelBinding: data }, { header: 'p=tls-server-end-point,,', data }],
      ] as const) {
        const scram = new ScramClient(options)
        const { accepted, final } = server(password, binding).exchange(scram)
        expect(accepted).toBe(true)
        scram.finish(final)
        expect(scram.verified).toBe(true)
      }
    }
    expect(new ScramClient({ channelBinding: data }).start().mechanism).toBe('SCRAM-SHA-256-PLUS')
  })

  it('uses a nonce once', () => {
    const nonces = new Set(Array.from({ length: 50 }, () => new ScramClient({}).start().response.toString()))
    expect(nonces.size).toBe(50)
  })

  it('escapes the user name', () => {
    expect(client({ user: 'a=b,c' }).start().response.toString()).toContain('n=a=3Db=2Cc,')
  })

  it.each([
    ['a nonce that is not ours', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['a nonce that adds nothing', `r=${VECTOR.nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`],
    ['a mandatory extension', `m=x,${VECTOR.serverFirst}`],
    ['too few iterations', VECTOR.serverFirst.replace('4096', '4095')],
    ['too many iterations', VECTOR.serverFirst.replace('4096', String(MAX_SCRAM_ITERATIONS + 1))],
    ['iterations that overflow', VECTOR.serverFirst.replace('4096', '99999999999999999999')],
    ['iterations with a leading zero', VECTOR.serverFirst.replace('4096', '04096')],
    ['iterations that are no number', VECTOR.serverFirst.replace('4096', '4096x')],
    ['no salt', VECTOR.serverFirst.replace('W22ZaJ0SNY7soEsUEjb6gQ==', '')],
    ['a salt that is not base64', VECTOR.serverFirst.replace('==', '=')],
    ['fields in another order', 's=W22ZaJ0SNY7soEsUEjb6gQ==,r=x,i=4096'],
    ['rubbish at the end', `${VECTOR.serverFirst},rubbish`],
    ['nothing', ''],
    ['a NUL', `${VECTOR.serverFirst}\0`],
  ])('refuses a challenge with %s', (_what, text) => {
    const scram = client()
    scram.start()
    expect(violates(() => answer(scram, text)).peer).toBe('backend')
    violates(() => scram.finish(Buffer.from(VECTOR.serverFinal)))
    expect(scram.verified).toBe(false)
  })

  it('ignores an optional extension, as RFC 5802 asks for', () => {
    const scram = client()
    expect(scram.challenge(Buffer.from(`${VECTOR.serverFirst},x=whatever`)).iterations).toBe(4096)
  })

  it.each([
    ['a wrong signature', 'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
    ['a short signature', 'v=6rriTRBi'],
    ['an error', 'e=invalid-proof'],
    ['nothing', ''],
    ['something else', 'x=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
    ['rubbish behind', `${VECTOR.serverFinal},rubbish`],
  ])('refuses a final message with %s', (_what, text) => {
    const scram = client()
    answer(scram, VECTOR.serverFirst)
    violates(() => scram.finish(Buffer.from(text)))
    expect(scram.verified).toBe(false)
  })

  it('keeps the order of the exchange', () => {
    violates(() => client().finish(Buffer.from(VECTOR.serverFinal)))
    violates(() => client().respond(Buffer.alloc(32)))
    const twice = client()
    answer(twice, VECTOR.serverFirst)
    violates(() => answer(twice, VECTOR.serverFirst))
  })

  it('never says the password', () => {
    const scram = client()
    expect(violates(() => answer(scram, 'r=hunter22', 'hunter22')).message).not.toContain('hunter22')
    expect(JSON.stringify(scram)).not.toContain('hunter22')
  })

  it('garbage is refused with a ProtocolViolation, never anything else', () => {
    const piece = fc.constantFrom('r=', VECTOR.nonce, 's=', 'AAAA', ',', 'i=', '4096', 'm=', 'v=', '\0', 'ü', '=')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const scram = client()
        try {
          scram.challenge(Buffer.from(pieces.join('')))
          scram.finish(Buffer.from(pieces.join('')))
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolViolation)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
