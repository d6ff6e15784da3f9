import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import { IdentityRejected } from '../identity-rejected.ts'
import { chainOf } from '../principal.ts'
import { tokenIdDigest } from '../verified-identity.ts'
import { exchange } from './exchange.ts'
import {
  DELEGATED,
  executor,
  type Form,
  identityOf,
  issued,
  keys,
  MINUTE,
  parameters,
  person,
  planner,
  refusal,
  setting,
  START,
  time,
  URL_OF_GATEWAY,
} from './exchange-test-support.ts'

const failing = (error: Error) => setting({}, { verify: () => Promise.reject(error) })

const targetsOf = async (form: Form) => (await issued({ ...DELEGATED, ...form })).principal.targets
const naming = (mayAct: string | null) => setting({ person: identityOf(person, { mayAct }) })

describe('a token exchange', () => {
  it('gives a token of the gateway with the whole chain, as it was verified', async () => {
    time.now = START
    const { options, verifier, asked } = setting()
    const form = { ...DELEGATED, purpose: 'TREAT', run: 'run 1', patients: ['p1', 'p2'], audience: 'hospital' }
    const { response, content } = await exchange(parameters(form), options)
    expect(response).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 595,
    })
    const identity = await verifier.verify(response.access_token)
    const principal = {
      ...executor,
      name: 'Executor',
      onBehalfOf: [person],
      purpose: 'TREAT',
      run: 'run 1',
      patients: ['p1', 'p2'],
      targets: ['hospital'],
    }
    expect(identity.principal).toEqual(principal)
    expect(content.principal).toEqual(principal)
    expect(asked).toEqual([principal])
    expect(identity).toMatchObject({
      issuerUrl: URL_OF_GATEWAY,
      issuedAt: START,
      firstIssuedAt: START - MINUTE,
      expiresAt: START + 10 * MINUTE,
      sources: ['digest of dr a', 'digest of executor'],
      tokenId: content.tokenId,
      mayAct: undefined,
    })
  })

  it('says in the words of RFC 8693 who acts for whom', async () => {
    time.now = START
    const first = await issued({ subject_token: 'person', actor_token: 'planner' })
    const second = await issued({ subject_token: first.token, actor_token: 'executor' })
    expect(decodeProtectedHeader(second.token)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: keys.signing.keyId })
    expect(decodeJwt(second.token)).toMatchObject({
      iss: URL_OF_GATEWAY,
      aud: URL_OF_GATEWAY,
      sub: 'dr a',
      act: { sub: 'executor', act: { sub: 'planner' } },
    })
    expect(chainOf(second.principal)).toMatchObject([executor, planner, person])
    expect(second.sources).toEqual([first.tokenDigest, 'digest of dr a', 'digest of planner', 'digest of executor'])
  })

  it('is known by the ids of all tokens behind it', async () => {
    time.now = START
    const named = setting({
      person: identityOf(person, { tokenId: 'one' }),
      executor: identityOf(executor, { tokenId: 'three' }),
    })
    const first = await issued({ subject_token: 'person', actor_token: 'planner' }, named)
    const second = await issued({ subject_token: first.token, actor_token: 'executor' }, named)
    expect(second.sourceIds).toEqual([
      tokenIdDigest(URL_OF_GATEWAY, first.tokenId ?? ''),
      tokenIdDigest('https://main.example', 'one'),
      tokenIdDigest('https://agents.example', 'three'),
    ])
  })

  it('narrows the holder’s own token where there is no actor', async () => {
    time.now = START
    const one = await issued({ subject_token: 'person', purpose: 'TREAT', patients: ['p1', 'p2'], expires_in: '60' })
    expect(one.principal).toEqual({
      ...person,
      name: 'Dr A',
      purpose: 'TREAT',
      patients: ['p1', 'p2'],
      run: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(one.expiresAt).toBe(START + 65_000)
    const two = await issued({ subject_token: one.token, patients: ['p2', 'p3'], audience: 'billing' })
    expect(two.principal).toEqual({ ...one.principal, patients: ['p2'], targets: ['billing'] })
    expect(two.expiresAt).toBeLessThanOrEqual(one.expiresAt)
  })

  it('keeps to what the actor’s own token is bound to', async () => {
    const bound = setting({
      executor: identityOf({ ...executor, purpose: 'TREAT', patients: ['p1'], targets: ['hospital'], run: 'r' }),
    })
    expect((await issued(DELEGATED, bound)).principal).toMatchObject({
      purpose: 'TREAT',
      patients: ['p1'],
      targets: ['hospital'],
      run: 'r',
    })
  })

  it('takes a purpose in the issuer’s own words where a token has it, and new ones from HL7 only', async () => {
    const purposed = setting({ person: identityOf({ ...person, purpose: 'chart review' }) })
    expect((await issued({ ...DELEGATED, purpose: 'chart review' }, purposed)).principal.purpose).toBe('chart review')
    expect((await issued(DELEGATED, purposed)).principal.purpose).toBe('chart review')
    expect((await refusal({ ...DELEGATED, purpose: 'chart review' })).message).toContain('HL7')
    expect((await refusal({ ...DELEGATED, purpose: 'TREAT' }, purposed)).message).toContain('purpose')
  })

  it('takes targets by name and by URL; the gateway itself stands for all', async () => {
    expect(await targetsOf({ resource: `${URL_OF_GATEWAY}/targets/billing` })).toEqual(['billing'])
    expect(await targetsOf({ audience: ['hospital', 'billing'] })).toEqual(['hospital', 'billing'])
    expect(await targetsOf({ audience: URL_OF_GATEWAY, resource: URL_OF_GATEWAY })).toBeUndefined()
  })

  it('lets act whom may_act names, also later', async () => {
    const { token } = await issued(DELEGATED, naming('agents/executor'))
    expect((await refusal({ subject_token: token, actor_token: 'planner' })).message).toContain('may_act')
    for (const mayAct of ['agents/planner', 'main/executor', null]) {
      expect((await refusal(DELEGATED, naming(mayAct))).message).toContain('may_act')
    }
  })
})

describe('a token exchange is refused', () => {
  it.each<readonly [string, Form, string, RegExp]>([
    ['another grant', { ...DELEGATED, grant_type: 'client_credentials' }, 'unsupported_grant_type', /exchange/],
    ['no grant', { ...DELEGATED, grant_type: undefined }, 'unsupported_grant_type', /exchange/],
    ['no subject token', { actor_token: 'executor' }, 'invalid_request', /subject_token/],
    ['an empty subject token', { ...DELEGATED, subject_token: '' }, 'invalid_request', /subject_token/],
    ['no type', { ...DELEGATED, subject_token_type: undefined }, 'invalid_request', /subject_token_type/],
    [
      'a type of another kind',
      { ...DELEGATED, subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
      'invalid_request',
      /type/,
    ],
    ['an actor without a type', { ...DELEGATED, actor_token_type: undefined }, 'invalid_request', /actor_token_type/],
    [
      'a type without an actor',
      { subject_token: 'person', actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
      'invalid_request',
      /actor_token/,
    ],
    [
      'another type asked for',
      { ...DELEGATED, requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
      /access_token/,
    ],
    ['two subject tokens', { ...DELEGATED, subject_token: ['person', 'planner'] }, 'invalid_request', /more than once/],
    ['two purposes', { ...DELEGATED, purpose: ['TREAT', 'HOPERAT'] }, 'invalid_request', /more than once/],
    ['a scope', { ...DELEGATED, scope: 'openid' }, 'invalid_scope', /scope/],
    ['a target that nobody knows', { ...DELEGATED, audience: 'secret' }, 'invalid_target', /target/],
    ['one such target of two', { ...DELEGATED, audience: ['hospital', 'secret'] }, 'invalid_target', /target/],
    [
      'a resource elsewhere',
      { ...DELEGATED, resource: 'https://other.example/targets/hospital' },
      'invalid_target',
      /target/,
    ],
    ['a run that deceives', { ...DELEGATED, run: 'a\nb' }, 'invalid_request', /run/],
    ['a run that is too long', { ...DELEGATED, run: 'x'.repeat(129) }, 'invalid_request', /run/],
    ['a patient that deceives', { ...DELEGATED, patients: ['p1', 'a\u202eb'] }, 'invalid_request', /patients/],
    [
      'too many patients',
      { ...DELEGATED, patients: Array.from({ length: 101 }, (_, at) => `p${at}`) },
      'invalid_request',
      /patients/,
    ],
    ['a life of nothing', { ...DELEGATED, expires_in: '0' }, 'invalid_request', /expires_in/],
    ['a life without measure', { ...DELEGATED, expires_in: '1e9' }, 'invalid_request', /expires_in/],
    [
      'a subject that acts for itself',
      { subject_token: 'person', actor_token: 'person' },
      'invalid_request',
      /in the chain/,
    ],
    [
      'a token that is none',
      { ...DELEGATED, subject_token: 'nonsense' },
      'invalid_request',
      /^subject_token was not accepted$/,
    ],
    [
      'an actor’s token that is none',
      { ...DELEGATED, actor_token: 'nonsense' },
      'invalid_request',
      /^actor_token was not accepted$/,
    ],
  ])('for %s', async (_, form, code, description) => {
    const error = await refusal(form)
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(description)])
  })

  it('where policy gives the chain nothing, in the same words as for an unknown target', async () => {
    const closed = setting({}, { mayReach: () => false })
    const half = setting({}, { mayReach: (_, target) => target === 'hospital' })
    const unknown = await refusal({ ...DELEGATED, audience: 'secret' })
    for (const [form, where] of [
      [DELEGATED, closed],
      [{ ...DELEGATED, audience: 'hospital' }, closed],
      [{ ...DELEGATED, audience: ['hospital', 'billing'] }, half],
    ] as const) {
      const error = await refusal(form, where)
      expect([error.code, error.message]).toEqual([unknown.code, unknown.message])
    }
    expect((await issued(DELEGATED, half)).principal.targets).toBeUndefined()
  })

  it('for targets and patients that the tokens are not good for', async () => {
    const bound = setting({
      person: identityOf({ ...person, targets: ['hospital'], patients: ['p1'], run: 'r' }),
      executor: identityOf({ ...executor, targets: ['billing'] }),
      planner: identityOf({ ...planner, patients: ['p2'] }),
    })
    expect((await refusal(DELEGATED, bound)).code).toBe('invalid_target')
    expect((await refusal({ subject_token: 'person', audience: ['hospital', 'billing'] }, bound)).code).toBe(
      'invalid_target',
    )
    expect((await refusal({ subject_token: 'person', patients: 'p2' }, bound)).message).toContain('patients')
    expect((await refusal({ subject_token: 'person', actor_token: 'planner' }, bound)).message).toContain('patients')
    expect((await refusal({ subject_token: 'person', run: 'other' }, bound)).message).toContain('run')
  })

  it('for an actor that acts for others, one that is in the chain, and a chain that is too long', async () => {
    const { token } = await issued({ subject_token: 'person', actor_token: 'planner' })
    expect((await refusal({ subject_token: 'person', actor_token: token })).message).toContain('acts for others')
    expect((await refusal({ subject_token: token, actor_token: 'person' })).message).toContain('in the chain')
    expect((await refusal({ subject_token: token, actor_token: 'planner' })).message).toContain('in the chain')
    const short = setting({}, { maxChain: 2 })
    expect((await refusal({ subject_token: token, actor_token: 'executor' }, short)).message).toContain('at most 2')
  })

  it('for tokens that are about to expire, and after too many exchanges', async () => {
    time.now = START
    const late = setting({ person: identityOf(person, { expiresAt: START + 5500 }) })
    expect((await refusal(DELEGATED, late)).message).toContain('expire')
    let token = 'person'
    for (let round = 0; round < 32; round++) ({ token } = await issued({ subject_token: token }))
    expect((await refusal({ subject_token: token })).message).toContain('too often')
  })

  it('for more runs than one token may begin, whoever’s token it is exchanged with', async () => {
    time.now = START
    const digests = setting({ other: identityOf(executor, { tokenDigest: 'a later one' }) })
    for (let i = 0; i < 100; i++) await issued({ ...DELEGATED, run: `run ${i}` }, digests)
    for (const actor_token of ['executor', 'other']) {
      for (const run of [undefined, 'one more']) {
        const form = { subject_token: 'person', actor_token, run }
        expect((await refusal(form, digests)).message).toContain('too many runs')
      }
    }
    const { token, principal } = await issued({ ...DELEGATED, run: 'run 7' }, digests)
    // A run that has begun goes on, and others begin their own.
    expect((await issued({ subject_token: token, actor_token: 'planner' }, digests)).principal.run).toBe(principal.run)
    await issued({ subject_token: 'person', actor_token: 'planner' }, digests)
  })

  it('for members with so many groups that no client could send the token', async () => {
    const groups = Array.from({ length: 900 }, (_, at) => `group number ${at}`)
    const crowded = setting({ person: identityOf({ ...person, groups }) })
    expect((await refusal(DELEGATED, crowded)).message).toContain('too long')
  })

  it('without hiding that keys are away, and without taking a defect for a bad token', async () => {
    const away = await refusal(DELEGATED, failing(new IdentityRejected('keys-unavailable', 'main')))
    expect(away.code).toBe('temporarily_unavailable')
    const revoked = await refusal(
      DELEGATED,
      failing(new ChaperoneError('CHP-AUTH-REVOKED', { reason: 'revocation 7' })),
    )
    expect([revoked.code, revoked.message, revoked.reason]).toEqual([
      'invalid_request',
      'subject_token was not accepted',
      'subject_token: revocation 7',
    ])
    await expect(refusal(DELEGATED, failing(new Error('boom')))).rejects.toThrow('boom')
    await expect(refusal(DELEGATED, failing(new ChaperoneError('CHP-INTERNAL')))).rejects.toThrow(ChaperoneError)
  })

  it('never quotes what was sent', async () => {
    const secret = 'secret-secret'
    for (const name of [
      'subject_token',
      'audience',
      'purpose',
      'run',
      'resource',
      'scope',
      'expires_in',
      'grant_type',
    ]) {
      const error = await refusal({ ...DELEGATED, [name]: `${secret}\n` })
      expect(`${error.message} ${error.reason ?? ''}`).not.toContain(secret)
    }
  })
})
