import { createHash, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import type { ApprovalRecord } from './approval-records.ts'
import type { RequestMember } from './approval-request.ts'
import { decisionChallenge, type DecisionToSign } from './decision-challenge.ts'
import { MemoryPasskeyRepository } from './memory-passkey-repository-test-support.ts'
import { Passkeys } from './passkeys.ts'
import { AGENT, human, NOW } from './request-test-support.ts'
import { type Behaviour, SoftwareAuthenticator } from './software-authenticator-test-support.ts'

const ORIGIN = 'https://gateway.example:8443'
const ANN = human('ann')
const BOB = human('bob')
const MINUTE = 60_000

const decision = (more: Partial<DecisionToSign> = {}): DecisionToSign => ({
  request: 'apr-0123456789ab',
  digest: 'd'.repeat(64),
  by: ANN,
  verdict: { kind: 'approve-once' },
  rationale: 'as agreed with the ward',
  ...more,
})

const timed = (minutes: number) => decision({ verdict: { kind: 'approve-timed', minutes } })

const invalid = (reason: string | RegExp) =>
  expect.objectContaining({ code: 'CHP-APPROVAL-INVALID', reason: expect.stringMatching(reason) })

function gateway(repository = new MemoryPasskeyRepository(), key = randomBytes(32)) {
  const time = { now: NOW }
  const records: ApprovalRecord[] = []
  const registered: string[] = []
  let failure: Error | undefined
  const passkeys = new Passkeys({
    repository,
    publicUrl: ORIGIN,
    key,
    recorder: {
      record: (record) => {
        if (failure !== undefined) return Promise.reject(failure)
        records.push(record)
        return Promise.resolve()
      },
    },
    onRegistered: (by, credential, isFirst) => registered.push(`${by.subject} ${credential} ${isFirst}`),
    clock: () => time.now,
  })
  const fail = (error: Error) => {
    failure = error
  }
  return { passkeys, repository, time, records, registered, key, fail }
}

type Gateway = ReturnType<typeof gateway>

async function register(
  { passkeys, time }: Gateway,
  by: RequestMember = ANN,
  behaviour: Behaviour = {},
): Promise<SoftwareAuthenticator> {
  const authenticator = new SoftwareAuthenticator(ORIGIN)
  const { creation } = await passkeys.beginRegistration(by, time.now)
  const attestation = authenticator.create(creation, behaviour)
  await passkeys.finishRegistration(by, { name: 'laptop', attestation, proof: undefined })
  return authenticator
}

describe('the first passkey', () => {
  it('is registered after a fresh sign-in, on record, and tells the operator', async () => {
    const one = gateway()
    const authenticator = await register(one)
    expect(await one.passkeys.list(ANN)).toEqual([
      { id: authenticator.id, name: 'laptop', createdAt: NOW, lastUsedAt: undefined },
    ])
    expect(await one.passkeys.list(BOB)).toEqual([])
    expect(one.registered).toEqual([`ann ${authenticator.id} true`])
    expect(one.records).toEqual([
      {
        session: undefined,
        who: { chain: ['clinic/ann'] },
        what: { event: 'passkey-registered', passkey: authenticator.id, first: true },
        body: '',
      },
    ])
  })

  it.each([
    ['that is not known', undefined],
    ['of six minutes ago', NOW - 6 * MINUTE],
    ['of tomorrow', NOW + 24 * 60 * MINUTE],
    ['of no time', Number.NaN],
  ])('is not registered after a sign-in %s', async (_, authenticatedAt) => {
    const { passkeys } = gateway()
    await expect(passkeys.beginRegistration(ANN, authenticatedAt)).rejects.toEqual(invalid('sign in again'))
  })

  it('is nobody’s but a human’s', async () => {
    const { passkeys } = gateway()
    await expect(passkeys.beginRegistration(AGENT, NOW)).rejects.toEqual(invalid('only people'))
  })

  it.each<readonly [string, Behaviour]>([
    ['by another page', { origin: 'https://evil.example' }],
    ['by another port of the host', { origin: 'https://gateway.example' }],
    ['for another site', { rpId: 'evil.example' }],
    ['without user verification', { userVerified: false }],
    ['without anybody there', { userPresent: false }],
    ['as if it were a signature', { type: 'webauthn.get' }],
    ['in a frame of another site', { clientData: { crossOrigin: true, topOrigin: 'https://evil.example' } }],
    ['in a frame of nobody knows whom', { clientData: { crossOrigin: true } }],
    ['for a challenge that was made up', { challenge: randomBytes(32).toString('base64url') }],
  ])('is not registered %s', async (_, behaviour) => {
    const one = gateway()
    await expect(register(one, ANN, behaviour)).rejects.toMatchObject({ code: 'CHP-APPROVAL-INVALID' })
    expect(one.repository.passkeys.size).toBe(0)
    expect(one.registered).toEqual([])
  })

  it('is registered by one answer, in time, by the one who began, with a name', async () => {
    const { passkeys, time, repository } = gateway()
    const authenticator = new SoftwareAuthenticator(ORIGIN)
    const begin = async () => authenticator.create((await passkeys.beginRegistration(ANN, time.now)).creation)
    const attempt = (by: RequestMember, attestation: ReturnType<SoftwareAuthenticator['create']>, name = 'laptop') =>
      passkeys.finishRegistration(by, { name, attestation, proof: undefined })
    for (const name of ['', '  ', 'a\nb', 'x'.repeat(61), '\ud800']) {
      await expect(attempt(ANN, await begin(), name)).rejects.toEqual(invalid('name'))
    }
    await expect(attempt(BOB, await begin())).rejects.toEqual(invalid('somebody else'))
    const late = await begin()
    time.now += 5 * MINUTE
    await expect(attempt(ANN, late)).rejects.toEqual(invalid('older than five minutes'))
    const [first, second] = [await begin(), await begin()]
    await attempt(ANN, first)
    await expect(attempt(ANN, first)).rejects.toEqual(invalid('answered already'))
    await expect(attempt(ANN, second)).rejects.toEqual(invalid('begin anew'))
    expect(repository.passkeys.size).toBe(1)
  })
})

/** Ann has a passkey, and has begun to register another. */
async function begun() {
  const one = gateway()
  const first = await register(one)
  const second = new SoftwareAuthenticator(ORIGIN)
  const { creation, proof } = await one.passkeys.beginRegistration(ANN, undefined)
  if (proof === undefined) throw new Error('a proof is asked for')
  return { ...one, first, second, attestation: second.create(creation), proof }
}

describe('a further passkey', () => {
  it('needs one that is there, and no fresh sign-in', async () => {
    const { passkeys, first, second, attestation, proof, registered } = await begun()
    await passkeys.finishRegistration(ANN, { name: 'phone', attestation, proof: first.get(proof) })
    expect((await passkeys.list(ANN)).map(({ name }) => name)).toEqual(['laptop', 'phone'])
    expect(registered.at(-1)).toBe(`ann ${second.id} false`)
  })

  it('is not registered without that', async () => {
    const { passkeys, attestation } = await begun()
    await expect(passkeys.finishRegistration(ANN, { name: 'phone', attestation, proof: undefined })).rejects.toEqual(
      invalid('shown first'),
    )
  })

  it('is not registered with a proof by itself, or with a signature of a decision', async () => {
    const { passkeys, second, attestation, proof, first } = await begun()
    await expect(
      passkeys.finishRegistration(ANN, { name: 'phone', attestation, proof: second.get(proof) }),
    ).rejects.toEqual(invalid('not a passkey of this person'))
    const { creation } = await passkeys.beginRegistration(ANN, undefined)
    const signed = first.get(await passkeys.challenge(decision()))
    await expect(
      passkeys.finishRegistration(ANN, { name: 'phone', attestation: second.create(creation), proof: signed }),
    ).rejects.toEqual(invalid('for something else'))
  })

  it('is not the eleventh, and not one that is there', async () => {
    const { passkeys, first } = await begun()
    const again = await passkeys.beginRegistration(ANN, undefined)
    const same = first.create(again.creation)
    const proven = again.proof && first.get(again.proof)
    await expect(passkeys.finishRegistration(ANN, { name: 'x', attestation: same, proof: proven })).rejects.toEqual(
      invalid('registered already'),
    )
    for (let i = 0; i < 9; i++) {
      const { creation, proof } = await passkeys.beginRegistration(ANN, undefined)
      const attestation = new SoftwareAuthenticator(ORIGIN).create(creation)
      await passkeys.finishRegistration(ANN, { name: `${i}`, attestation, proof: proof && first.get(proof) })
    }
    await expect(passkeys.beginRegistration(ANN, undefined)).rejects.toEqual(invalid('10 passkeys'))
  })

  it('and one that is to be removed needs the record first', async () => {
    const one = gateway()
    await register(one)
    one.fail(new ChaperoneError('CHP-RECORD-FAILED'))
    await expect(one.passkeys.removeAll(ANN, 'lost')).rejects.toMatchObject({ code: 'CHP-RECORD-FAILED' })
    await expect(register(one, BOB)).rejects.toMatchObject({ code: 'CHP-RECORD-FAILED' })
    expect([...one.repository.passkeys.values()].map(({ owner }) => owner)).toEqual(['clinic/ann'])
  })

  it('is a first one again after the operator has removed all', async () => {
    const one = gateway()
    const first = await register(one)
    expect(await one.passkeys.removeAll(ANN, 'lost')).toBe(1)
    expect(one.records.at(-1)).toMatchObject({
      what: { event: 'passkey-removed', passkey: first.id },
      body: '{"reason":"lost"}',
    })
    await register(one)
    expect(one.registered.at(-1)).toMatch(/true$/)
  })
})

describe('a signature', () => {
  it('is of one decision, and can be verified by anybody later', async () => {
    const one = gateway()
    const authenticator = await register(one)
    const options = await one.passkeys.challenge(decision())
    expect(options).toMatchObject({
      rpId: 'gateway.example',
      userVerification: 'required',
      allowCredentials: [{ id: authenticator.id }],
    })
    const signature = await one.passkeys.verify(decision(), authenticator.get(options))
    expect(signature.credential).toBe(authenticator.id)
    const clientData = Buffer.from(signature.clientDataJSON, 'base64url')
    expect(JSON.parse(clientData.toString()).challenge).toBe(
      decisionChallenge(decision(), signature).toString('base64url'),
    )
    const signed = Buffer.concat([
      Buffer.from(signature.authenticatorData, 'base64url'),
      createHash('sha256').update(clientData).digest(),
    ])
    // COSE_Key of ES256: the coordinates are its last two members.
    const cose = Buffer.from(signature.publicKey, 'base64url')
    const key = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: cose.subarray(-67, -35).toString('base64url'),
        y: cose.subarray(-32).toString('base64url'),
      },
    })
    expect(verify('sha256', signed, key, Buffer.from(signature.signature, 'base64url'))).toBe(true)
    expect((await one.passkeys.list(ANN))[0]?.lastUsedAt).toBe(NOW)
  })

  it.each<readonly [string, Partial<DecisionToSign>]>([
    ['request', { request: 'apr-aaaaaaaaaaaa' }],
    ['digest', { digest: 'e'.repeat(64) }],
    ['verdict', { verdict: { kind: 'approve-timed', minutes: 5 } }],
    ['rationale', { rationale: 'something else' }],
  ])('is not of a decision with another %s', async (_, change) => {
    const one = gateway()
    const authenticator = await register(one)
    const assertion = authenticator.get(await one.passkeys.challenge(decision()))
    await expect(one.passkeys.verify(decision(change), assertion)).rejects.toEqual(invalid('another decision'))
  })

  it('is not of another number of minutes', async () => {
    const one = gateway()
    const authenticator = await register(one)
    const assertion = authenticator.get(await one.passkeys.challenge(timed(5)))
    await expect(one.passkeys.verify(timed(500), assertion)).rejects.toEqual(invalid('another decision'))
  })

  it('counts once, for five minutes, for the person who asked', async () => {
    const one = gateway()
    const [ann, bob] = [await register(one), await register(one, BOB)]
    const sign = async () => ann.get(await one.passkeys.challenge(decision()))
    const assertion = await sign()
    await one.passkeys.verify(decision(), assertion)
    await expect(one.passkeys.verify(decision(), assertion)).rejects.toEqual(invalid('answered already'))
    await expect(one.passkeys.verify(decision({ by: BOB }), await sign())).rejects.toEqual(invalid('somebody else'))
    const byBob = bob.get(await one.passkeys.challenge(decision()))
    await expect(one.passkeys.verify(decision(), byBob)).rejects.toEqual(invalid('not a passkey of this person'))
    const late = await sign()
    one.time.now += 5 * MINUTE
    await expect(one.passkeys.verify(decision(), late)).rejects.toEqual(invalid('older than five minutes'))
  })

  it('counts once when it comes twice at the same time', async () => {
    const one = gateway()
    const authenticator = await register(one)
    const assertion = authenticator.get(await one.passkeys.challenge(decision()))
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => one.passkeys.verify(decision(), assertion)))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it.each<readonly [string, Behaviour]>([
    ['of another page', { origin: 'https://evil.example' }],
    ['of another site', { rpId: 'evil.example' }],
    ['without user verification', { userVerified: false }],
    ['of a registration', { type: 'webauthn.create' }],
    ['of another key', { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }],
    ['in a frame of another site', { clientData: { crossOrigin: true } }],
  ])('%s does not count', async (_, behaviour) => {
    const one = gateway()
    const authenticator = await register(one)
    const assertion = authenticator.get(await one.passkeys.challenge(decision()), behaviour)
    await expect(one.passkeys.verify(decision(), assertion)).rejects.toMatchObject({ code: 'CHP-APPROVAL-INVALID' })
  })

  it('of a copy of the authenticator does not count', async () => {
    const one = gateway()
    const authenticator = await register(one)
    const sign = async (counter: number) => authenticator.get(await one.passkeys.challenge(decision()), { counter })
    await one.passkeys.verify(decision(), await sign(7))
    for (const counter of [7, 6, 0]) {
      await expect(one.passkeys.verify(decision(), await sign(counter))).rejects.toEqual(invalid('counter'))
    }
    await one.passkeys.verify(decision(), await sign(8))
  })

  it('of an authenticator that does not count counts', async () => {
    const one = gateway()
    const authenticator = await register(one)
    for (let i = 0; i < 2; i++) {
      const assertion = authenticator.get(await one.passkeys.challenge(decision()), { counter: 0 })
      await one.passkeys.verify(decision(), assertion)
    }
  })

  it('needs a passkey, and one that this gateway has registered', async () => {
    const one = gateway()
    await expect(one.passkeys.challenge(decision())).rejects.toEqual(invalid('register one first'))
    // Somebody who can write to the store gives Ann a passkey.
    const other = gateway()
    const forged = await register(other)
    for (const [id, passkey] of other.repository.passkeys) one.repository.passkeys.set(id, passkey)
    await expect(one.passkeys.challenge(decision())).rejects.toEqual(invalid('register one first'))
    // Or the passkey of Bob to Ann.
    const bobs = await register(one, BOB)
    const stored = one.repository.passkeys.get(bobs.id)
    if (stored !== undefined) one.repository.passkeys.set(bobs.id, { ...stored, owner: 'clinic/ann' })
    await register(one)
    const options = await one.passkeys.challenge(decision())
    for (const stolen of [bobs, forged]) {
      await expect(one.passkeys.verify(decision(), stolen.get(options))).rejects.toMatchObject({
        code: 'CHP-APPROVAL-INVALID',
      })
    }
  })

  it('that is nonsense does not count', async () => {
    const one = gateway()
    const authenticator = await register(one)
    const assertion = authenticator.get(await one.passkeys.challenge(decision()))
    for (const clientDataJSON of [
      '',
      '%%%',
      Buffer.from('null').toString('base64url'),
      Buffer.from('[1]').toString('base64url'),
    ]) {
      await expect(
        one.passkeys.verify(decision(), { ...assertion, response: { ...assertion.response, clientDataJSON } }),
      ).rejects.toEqual(invalid('not known'))
    }
  })
})
