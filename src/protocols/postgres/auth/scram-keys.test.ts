import { describe, expect, it } from 'vitest'
import { ScramClient } from './scram.ts'
import { ScramKeys } from './scram-keys.ts'

// RFC 7677 section 3.
const NONCE = 'rOprNGfwEbeRWgbNEkqO'
const SERVER_FIRST = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
const PROOF = 'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='

describe('ScramKeys', () => {
  it('derives the key of RFC 7677', async () => {
    const scram = new ScramClient({ user: 'user', nonce: NONCE })
    scram.start()
    const key = await new ScramKeys().saltedPassword('pencil', scram.challenge(Buffer.from(SERVER_FIRST)))
    expect(scram.respond(key).toString()).toContain(PROOF)
  })

  it('derives once for the same password, salt and iterations, and anew for others', async () => {
    const keys = new ScramKeys()
    const salt = Buffer.from('salt')
    const first = keys.saltedPassword('pencil', { salt, iterations: 4096 })
    expect(keys.saltedPassword('pencil', { salt: Buffer.from('salt'), iterations: 4096 })).toBe(first)
    const others = await Promise.all([
      keys.saltedPassword('pencils', { salt, iterations: 4096 }),
      keys.saltedPassword('pencil', { salt: Buffer.from('other'), iterations: 4096 }),
      keys.saltedPassword('pencil', { salt, iterations: 4097 }),
    ])
    const known = (await first).toString('hex')
    expect(new Set([known, ...others.map((key) => key.toString('hex'))]).size).toBe(4)
  })

  it('keeps a bounded number of keys', async () => {
    const keys = new ScramKeys()
    const salt = Buffer.from('salt')
    const first = keys.saltedPassword('0', { salt, iterations: 1 })
    for (let n = 1; n <= 64; n++) await keys.saltedPassword(String(n), { salt, iterations: 1 })
    expect(keys.saltedPassword('0', { salt, iterations: 1 })).not.toBe(first)
  })
})
