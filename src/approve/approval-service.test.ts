import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import type { ApprovalOptions } from './approval-options.ts'
import type { ApprovalRecord } from './approval-records.ts'
import type { ApprovalRequest, NewRequest } from './approval-request.ts'
import { ApprovalService } from './approval-service.ts'
import type { ApproverDesk } from './approvals.ts'
import { MemoryApprovalRepository } from './memory-approval-repository-test-support.ts'
import { approver, HOUR, LIMITS, newRequest, ONCE, REFUSE, timed } from './request-test-support.ts'

const KEY = randomBytes(32)
const SIGNATURE = {
  credential: 'passkey-1',
  nonce: 'n',
  expiresAt: 0,
  publicKey: 'p',
  authenticatorData: 'a',
  clientDataJSON: 'c',
  signature: 's',
}
const ASSERTION = {
  id: 'passkey-1',
  rawId: 'passkey-1',
  type: 'public-key',
  clientExtensionResults: {},
  response: { clientDataJSON: '', authenticatorData: '', signature: '' },
} as const
const PASSKEY = { kind: 'passkey', assertion: ASSERTION } as const
const TOKEN_ONLY = { kind: 'token-only' } as const
const NEVER = new AbortController().signal

const open: ApprovalService[] = []
afterEach(async () => {
  for (const service of open.splice(0)) await service.close()
})

function gateway(repository = new MemoryApprovalRepository(), more: Partial<ApprovalOptions> = {}) {
  const records: ApprovalRecord[] = []
  const invalid: string[] = []
  const errors: ChaperoneError[] = []
  const effects: string[] = []
  const service = new ApprovalService({
    config: { ...LIMITS, stepUp: 'passkey', maxPending: 3, webhooks: [{ name: 'pager' }] },
    publicUrl: 'https://gateway.example',
    repository,
    signing: {
      hasPasskey: ({ subject }) => Promise.resolve(subject === 'bob'),
      challenge: () => Promise.resolve({ challenge: 'x' }),
      verify: () => Promise.resolve(SIGNATURE),
    },
    key: KEY,
    recorder: {
      record: (record) => {
        records.push(record)
        return Promise.resolve()
      },
    },
    effects: {
      access: ({ id }) => Promise.resolve(effects.push(`access ${id}`) > 0),
      policy: ({ id }) => Promise.resolve(effects.push(`policy ${id}`) > 0),
    },
    isRevoked: () => false,
    onInvalid: (id, by, reason) => invalid.push(`${id} ${by.subject}: ${reason}`),
    onBackgroundError: (error) => errors.push(error),
    onMessages: () => undefined,
    clock: () => repository.now,
    sweepMs: 3_600_000,
    pollMs: 20,
    ...more,
  })
  open.push(service)
  const events = () => records.map(({ what }) => what['event'])
  return { service, desk: service.desk, repository, records, events, invalid, errors, effects }
}

const failed = (code: string, reason?: string | RegExp) =>
  expect.objectContaining(reason === undefined ? { code } : { code, reason: expect.stringMatching(reason) })

/** Asks, and says whether it is covered; when it is not, there is a pending request afterwards. */
const covers = async (service: ApprovalService, digest = newRequest().digest): Promise<boolean> =>
  (await service.ask(newRequest({ digest }))).kind === 'covered'

async function asked(service: ApprovalService, request: NewRequest = newRequest()): Promise<ApprovalRequest> {
  const coverage = await service.ask(request)
  expect(coverage.kind).toBe('pending')
  return coverage.request
}

const ACCESS = newRequest({
  digest: 'a'.repeat(64),
  subject: {
    kind: 'access',
    shown: { grant: 'on-call', targets: ['hospital'], clearance: 'clear', durationMs: HOUR, justification: 'ward 7' },
  },
})

describe('an operation', () => {
  it('waits, is approved, and runs once', async () => {
    const { service, desk, events } = gateway()
    const request = await asked(service)
    expect(request).toMatchObject({ state: 'pending', id: expect.stringMatching(/^apr-[0-9a-z]{12}$/) })
    expect(service.urlOf(request.id)).toBe(`https://gateway.example/approvals/${request.id}`)
    const settled = service.settled(request.id, NEVER)
    expect(await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).toMatchObject({ state: 'approved' })
    expect((await settled).state).toBe('approved')
    expect(await covers(service)).toBe(true)
    expect(await covers(service)).toBe(false)
    expect(events()).toEqual(['requested', 'decided', 'used', 'requested'])
    expect((await desk.get(request.id))?.state).toBe('used')
  })

  it('is covered later, in whatever session, when it is the same', async () => {
    const { service, desk } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect(await service.ask(newRequest({ session: 'another' }))).toMatchObject({
      kind: 'covered',
      request: { state: 'used' },
    })
    expect((await asked(service)).id).not.toBe(request.id)
  })

  it('is not covered by the approval of another', async () => {
    const { service, desk } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect(await covers(service, 'e'.repeat(64))).toBe(false)
    expect((await asked(service, newRequest({ digest: 'e'.repeat(64) }))).id).not.toBe(request.id)
  })

  it('is covered again and again for a time, and not after it', async () => {
    const { service, desk, repository, events } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), timed(5), PASSKEY)
    for (let i = 0; i < 3; i++) expect((await service.ask(newRequest())).kind).toBe('covered')
    repository.now += 5 * 60_000
    expect(await covers(service)).toBe(false)
    expect((await asked(service)).id).not.toBe(request.id)
    expect(events()).toEqual(['requested', 'decided', 'used', 'used', 'used', 'expired', 'requested'])
    expect(repository.messages.map(({ body }) => JSON.parse(body).type)).toEqual([
      'approval.requested',
      'approval.approved',
      'approval.expired',
      'approval.requested',
    ])
  })

  it('is asked about once, however many ask at the same time, and one of them gets what holds once', async () => {
    const { service, desk, repository } = gateway()
    const other = gateway(repository).service
    const coverages = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? service : other).ask(newRequest())),
    )
    expect(new Set(coverages.map(({ request }) => request.id)).size).toBe(1)
    expect(repository.requests.size).toBe(1)
    const id = coverages[0]?.request.id ?? ''
    const settled = Promise.all([service.settled(id, NEVER), other.settled(id, NEVER)])
    await desk.decide(id, approver('ann'), ONCE, PASSKEY)
    await settled
    const uses = await Promise.all(Array.from({ length: 20 }, (_, i) => covers(i % 2 === 0 ? service : other)))
    expect(uses.filter(Boolean)).toHaveLength(1)
  })

  it('is told of a refusal once, later if nobody waited, and may be asked about again', async () => {
    const { service, desk } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), REFUSE, PASSKEY)
    expect(await service.ask(newRequest())).toMatchObject({
      kind: 'refused',
      request: { id: request.id, state: 'refused' },
    })
    const second = await asked(service)
    const settled = service.settled(second.id, NEVER)
    await desk.decide(second.id, approver('ann'), REFUSE, PASSKEY)
    expect((await settled).state).toBe('refused')
    expect((await asked(service)).id).not.toBe(second.id)
  })

  it('is not told of a refusal from long ago', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), REFUSE, PASSKEY)
    repository.now += HOUR
    expect((await asked(service)).id).not.toBe(request.id)
  })

  it('may not be asked about more often than the limit, by one chain', async () => {
    const { service, repository } = gateway()
    for (const digest of ['1', '2', '3']) await asked(service, newRequest({ digest: digest.repeat(64) }))
    await expect(service.ask(newRequest())).rejects.toEqual(failed('CHP-LIMIT-EXCEEDED'))
    // What is pending already is joined all the same.
    await asked(service, newRequest({ digest: '1'.repeat(64) }))
    await asked(service, newRequest({ chainKey: '["agents/other"]', digest: 'f'.repeat(64) }))
    repository.now += HOUR
    await asked(service)
  })

  it('is withdrawn by the client that asked, unless another client waits for it', async () => {
    const { service, desk, events } = gateway()
    const request = await asked(service)
    const [one, other] = [new AbortController(), new AbortController()]
    const first = service.settled(request.id, one.signal)
    const second = service.settled(request.id, other.signal)
    one.abort()
    await service.withdraw(request.id)
    expect((await first).state).toBe('pending')
    other.abort()
    await service.withdraw(request.id)
    await second
    expect((await desk.get(request.id))?.state).toBe('withdrawn')
    await service.withdraw(request.id)
    expect(events()).toEqual(['requested', 'withdrawn'])
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(
      failed('CHP-APPROVAL-INVALID', 'the request is withdrawn'),
    )
  })

  it('expires, and whoever waits for it is told', async () => {
    const { service, repository, events } = gateway()
    const request = await asked(service)
    const settled = service.settled(request.id, NEVER)
    repository.now += HOUR
    expect((await settled).state).toBe('expired')
    await service.sweep()
    expect(events()).toEqual(['requested', 'expired'])
    expect(repository.requests.get(request.id)).toMatchObject({ state: 'expired', exact: undefined })
  })

  it('is decided at another gateway, whether notifications arrive or not', async () => {
    const here = gateway()
    const there = gateway(here.repository)
    for (const notifies of [true, false]) {
      here.repository.notifies = notifies
      const request = await asked(here.service)
      const settled = here.service.settled(request.id, NEVER)
      await there.desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
      expect((await settled).state).toBe('approved')
      await covers(here.service)
    }
  })
})

describe('what does not count', () => {
  it('changes nothing and raises an alert', async () => {
    const { service, desk, repository, invalid, records } = gateway()
    const request = await asked(service, newRequest({ needs: [{ pools: ['privacy'], quorum: 2, rule: 'r' }] }))
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    const before = repository.requests.get(request.id)
    const count = records.length
    const attempts = [
      () => desk.decide(request.id, approver('ann'), ONCE, PASSKEY),
      () => desk.decide(request.id, approver('dora'), ONCE, PASSKEY),
      () => desk.decide(request.id, approver('bob'), { ...ONCE, rationale: '' }, PASSKEY),
      () => desk.decide(request.id, approver('bob'), ONCE, TOKEN_ONLY),
      () => desk.decide('apr-000000000000', approver('bob'), ONCE, PASSKEY),
      () => desk.decide("'; DROP TABLE --", approver('bob'), ONCE, PASSKEY),
      () => desk.challenge(request.id, approver('dora'), ONCE),
    ]
    for (const attempt of attempts) await expect(attempt()).rejects.toEqual(failed('CHP-APPROVAL-INVALID'))
    expect(repository.requests.get(request.id)).toBe(before)
    expect(records).toHaveLength(count)
    expect(invalid.map((line) => line.replace(request.id, 'ID'))).toEqual([
      'ID ann: this person has decided already',
      'ID dora: nobody of the chain decides about its own request',
      'ID bob: a rationale of 3 to 2000 characters is required',
      'ID bob: it has to be signed with a passkey',
      'apr-000000000000 bob: there is no such request',
      ' bob: there is no such request',
      'ID dora: nobody of the chain decides about its own request',
    ])
  })

  it('is a signature that does not verify', async () => {
    const repository = new MemoryApprovalRepository()
    const { service, desk, invalid } = gateway(repository, {
      signing: {
        hasPasskey: () => Promise.resolve(true),
        challenge: () => Promise.reject(new Error('not asked')),
        verify: () => Promise.reject(new ChaperoneError('CHP-APPROVAL-INVALID', { reason: 'the signature is wrong' })),
      },
    })
    const request = await asked(service)
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(
      failed('CHP-APPROVAL-INVALID', 'the signature is wrong'),
    )
    expect(invalid).toEqual([`${request.id} ann: the signature is wrong`])
    expect((await desk.get(request.id))?.state).toBe('pending')
  })

  it('is one of two decisions of the same person at the same time', async () => {
    const { service, desk } = gateway()
    const request = await asked(service, newRequest({ needs: [{ pools: ['privacy'], quorum: 2, rule: 'r' }] }))
    const both = await Promise.allSettled(
      Array.from({ length: 5 }, () => desk.decide(request.id, approver('ann'), ONCE, PASSKEY)),
    )
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await desk.get(request.id))?.decisions).toHaveLength(1)
  })

  it('is a decision without a passkey, unless the weaker setting says so', async () => {
    const repository = new MemoryApprovalRepository()
    const config = { ...LIMITS, stepUp: 'tokenOnlyWithoutPasskey', maxPending: 3, webhooks: [] } as const
    const { service, desk, records } = gateway(repository, { config })
    const request = await asked(service)
    // Who has a passkey needs it all the same: a token alone may be stolen.
    await expect(desk.decide(request.id, approver('bob'), ONCE, TOKEN_ONLY)).rejects.toEqual(
      failed('CHP-APPROVAL-INVALID', 'passkey'),
    )
    const decided = await desk.decide(request.id, approver('ann'), ONCE, TOKEN_ONLY)
    expect(decided.decisions[0]?.stepUp).toEqual({ kind: 'token-only' })
    expect(records.at(-1)?.what).toMatchObject({ stepUp: 'token-only', by: 'clinic/ann' })
    expect(repository.messages).toEqual([])
  })
})

describe('what is stored', () => {
  it('holds nothing that somebody wrote, and no statement, in clear', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service, newRequest({ needs: [{ pools: ['privacy'], quorum: 2, rule: 'r' }] }))
    expect(await desk.exactOf(request.id)).toContain('Springfield')
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect(await desk.exactOf(request.id)).toContain('Springfield')
    const [stored] = repository.requests.values()
    const text = JSON.stringify(stored, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString() : value,
    )
    for (const secret of ['Springfield', 'UPDATE', ONCE.rationale]) expect(text).not.toContain(secret)
    await desk.decide(request.id, approver('bob'), ONCE, PASSKEY)
    expect(await desk.exactOf(request.id)).toBeUndefined()
    expect(repository.requests.get(request.id)?.exact).toBeUndefined()
    const said = JSON.stringify(repository.messages)
    for (const secret of ['Springfield', 'UPDATE ehr', ONCE.rationale]) expect(said).not.toContain(secret)
  })

  it.each<readonly [string, (desk: ApproverDesk, service: ApprovalService, id: string) => Promise<unknown>]>([
    ['used', (_, service) => covers(service)],
    ['stopped', (desk, _, id) => desk.decide(id, approver('bob'), REFUSE, PASSKEY)],
  ])('covers nothing when its row of before it was %s is put back', async (_, end) => {
    const { service, desk, repository, errors } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    const approved = repository.requests.get(request.id) ?? expect.fail('it is gone')
    await end(desk, service, request.id)
    repository.requests = new Map([[request.id, approved]])
    expect(await covers(service)).toBe(false)
    expect(errors).toEqual([failed('CHP-APPROVAL-UNAVAILABLE', request.id)])
  })

  it('covers nothing when somebody has changed it in the store', async () => {
    const { service, desk, repository, errors } = gateway()
    const request = await asked(service)
    const stored = repository.requests.get(request.id)
    if (stored === undefined) throw new Error('it is not there')
    const change = (more: Partial<typeof stored>) => {
      repository.requests = new Map([[request.id, { ...stored, ...more }]])
    }
    change({ state: 'approved' })
    expect(await covers(service)).toBe(false)
    change({ digest: 'e'.repeat(64), state: 'approved' })
    expect(await covers(service, 'e'.repeat(64))).toBe(false)
    change({ expiresAt: stored.expiresAt + HOUR })
    await expect(service.ask(newRequest())).rejects.toEqual(failed('CHP-APPROVAL-UNAVAILABLE'))
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(
      failed('CHP-APPROVAL-INVALID'),
    )
    expect(await desk.list({ limit: 10 })).toEqual([])
    expect(errors).toEqual([failed('CHP-APPROVAL-UNAVAILABLE', request.id)])
    // When it is over by what it says itself, somebody else may ask.
    change({ sealed: randomBytes(100), expiresAt: repository.now })
    expect((await asked(service)).id).not.toBe(request.id)
  })

  it('covers nothing at a gateway with another key', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), timed(60), PASSKEY)
    const other = gateway(repository, { key: randomBytes(32) })
    expect(await covers(other.service)).toBe(false)
    expect(await other.desk.get(request.id)).toBeUndefined()
  })

  it('is what a restarted gateway goes on with: pending stays pending', async () => {
    const first = gateway()
    const request = await asked(first.service)
    await first.service.close()
    const second = gateway(first.repository)
    expect(await covers(second.service)).toBe(false)
    expect((await asked(second.service)).id).toBe(request.id)
    expect((await second.service.settled(request.id, AbortSignal.timeout(50))).state).toBe('pending')
    await second.desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect(await covers(second.service)).toBe(true)
  })

  it('can be told apart by who may see it', async () => {
    const { service, desk } = gateway()
    const request = await asked(service)
    const seenBy = async (member: string, pools: readonly string[]) =>
      (await desk.list({ limit: 10, visibleTo: { member, pools } })).map(({ id }) => id)
    expect(await seenBy('clinic/dora', [])).toEqual([request.id])
    expect(await seenBy('clinic/ann', ['privacy'])).toEqual([request.id])
    expect(await seenBy('clinic/ann', ['billing'])).toEqual([])
    expect(await desk.list({ limit: 10, state: 'approved' })).toEqual([])
  })

  it('goes a month after its end', async () => {
    const { service, repository } = gateway()
    await asked(service)
    repository.now += 2 * HOUR
    await service.sweep()
    expect(repository.requests.size).toBe(1)
    repository.now += 31 * 24 * HOUR
    await service.sweep()
    expect(repository.requests.size).toBe(0)
  })
})

const revocable = () => {
  const revoked = new Set<string>()
  return { revoked, ...gateway(undefined, { isRevoked: ({ subject }) => revoked.has(subject) }) }
}

describe('an approver who is revoked after the decision', () => {
  const BOTH = newRequest({ needs: [{ pools: ['privacy'], quorum: 2, rule: 'r' }] })

  it.each([ONCE, timed(5)])('approves nothing any more: the operation is asked about anew (%j)', async (opinion) => {
    const { service, desk, events, invalid, revoked } = revocable()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), opinion, PASSKEY)
    revoked.add('ann')
    const anew = await asked(service)
    expect(anew.id).not.toBe(request.id)
    expect((await desk.get(request.id))?.state).toBe('expired')
    expect(events()).toEqual(['requested', 'decided', 'expired', 'requested'])
    expect(invalid).toEqual([`${request.id} ann: the approver was revoked before the approval was used`])
    // Lifting the revocation does not bring back what has ended.
    revoked.clear()
    expect((await asked(service)).id).toBe(anew.id)
    await desk.decide(anew.id, approver('bob'), ONCE, PASSKEY)
    expect(await covers(service)).toBe(true)
  })

  it('ends an approval for a time that was used before', async () => {
    const { service, desk, revoked } = revocable()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), timed(5), PASSKEY)
    expect(await covers(service)).toBe(true)
    revoked.add('ann')
    expect(await covers(service)).toBe(false)
  })

  it('is no part of a quorum that others complete', async () => {
    const { service, desk, revoked } = revocable()
    const request = await asked(service, BOTH)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    revoked.add('ann')
    await desk.decide(request.id, approver('bob'), ONCE, PASSKEY)
    expect((await asked(service, BOTH)).id).not.toBe(request.id)
  })

  it('does not matter where somebody else decided, or was revoked', async () => {
    const { service, desk, invalid, revoked } = revocable()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    revoked.add('bob')
    expect(await covers(service)).toBe(true)
    expect(invalid).toEqual([])
  })

  it('gives no access and activates no policy, at once or later', async () => {
    const { service, desk, effects, events, invalid, revoked } = revocable()
    const needs = [{ pools: ['privacy'], quorum: 2, rule: 'grant on-call' }]
    const request = await asked(service, { ...ACCESS, needs })
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    revoked.add('ann')
    expect(await desk.decide(request.id, approver('bob'), ONCE, PASSKEY)).toMatchObject({ state: 'expired' })
    expect([effects, events()]).toEqual([[], ['requested', 'decided', 'decided', 'expired']])
    expect(invalid).toHaveLength(1)
  })

  it('has nothing brought about that failed before', async () => {
    const repository = new MemoryApprovalRepository()
    const tried: string[] = []
    const access = ({ id }: ApprovalRequest) => {
      tried.push(id)
      return Promise.reject(new Error('no'))
    }
    let isRevoked = false
    const { service, desk } = gateway(repository, {
      effects: { access, policy: access },
      isRevoked: () => isRevoked,
    })
    const request = await asked(service, ACCESS)
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    isRevoked = true
    await service.sweep()
    expect(tried).toEqual([request.id])
    expect((await desk.get(request.id))?.state).toBe('expired')
  })

  it('is asked about with the time of the decision', async () => {
    const asks: number[] = []
    const { service, desk, repository } = gateway(undefined, { isRevoked: (_, at) => asks.push(at) === 0 })
    const request = await asked(service)
    const decidedAt = repository.now
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    repository.now += 60_000
    expect(await covers(service)).toBe(true)
    expect(new Set(asks)).toEqual(new Set([decidedAt]))
  })
})

describe('access and policy', () => {
  it('are brought about by the approval, once it is complete, and used up by that', async () => {
    const { service, desk, effects, events } = gateway()
    const request = await asked(service, {
      ...ACCESS,
      needs: [{ pools: ['privacy'], quorum: 2, rule: 'grant on-call' }],
    })
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect(effects).toEqual([])
    expect(await desk.decide(request.id, approver('bob'), timed(10), PASSKEY)).toMatchObject({ state: 'used' })
    expect(effects).toEqual([`access ${request.id}`])
    expect(events()).toEqual(['requested', 'decided', 'decided', 'used'])
    expect((await service.ask(ACCESS)).kind).toBe('pending')
  })

  it('are brought about later when that failed, and never by somebody who asks for an operation', async () => {
    const repository = new MemoryApprovalRepository()
    let fails = true
    const done: string[] = []
    const access = ({ id }: ApprovalRequest) => {
      if (fails) return Promise.reject(new Error('no'))
      done.push(id)
      return Promise.resolve(true)
    }
    const { service, desk, errors } = gateway(repository, { effects: { access, policy: access } })
    const request = await asked(service, ACCESS)
    expect(await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).toMatchObject({ state: 'approved' })
    expect(errors).toEqual([failed('CHP-APPROVAL-UNAVAILABLE')])
    expect(await covers(service, ACCESS.digest)).toBe(false)
    expect(await service.ask(ACCESS)).toMatchObject({ kind: 'covered', request: { state: 'approved' } })
    await expect(desk.decide(request.id, approver('bob'), REFUSE, PASSKEY)).rejects.toEqual(
      failed('CHP-APPROVAL-INVALID'),
    )
    fails = false
    await service.sweep()
    expect(done).toEqual([request.id])
    expect((await desk.get(request.id))?.state).toBe('used')
    await service.sweep()
    expect(done).toEqual([request.id])
  })
})

const never = () => Promise.resolve(false)

describe('an approval that comes too late', () => {
  it('brings nothing about, and says so', async () => {
    const { service, desk, events } = gateway(undefined, { effects: { access: never, policy: never } })
    const request = await asked(service, ACCESS)
    expect(await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).toMatchObject({ state: 'expired' })
    expect(events()).toEqual(['requested', 'decided', 'expired'])
    expect((await service.ask(ACCESS)).kind).toBe('pending')
  })
})

describe('faults', () => {
  it('of the store refuse what needs it', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service)
    repository.failure = new Error('SQLSTATE 57P03')
    const unavailable = failed('CHP-APPROVAL-UNAVAILABLE', 'SQLSTATE 57P03')
    await expect(service.ask(newRequest())).rejects.toEqual(unavailable)
    await expect(covers(service)).rejects.toEqual(unavailable)
    await expect(service.withdraw(request.id)).rejects.toEqual(unavailable)
    await expect(service.settled(request.id, AbortSignal.timeout(10))).rejects.toEqual(unavailable)
    await expect(desk.list({ limit: 1 })).rejects.toEqual(unavailable)
    await expect(desk.get(request.id)).rejects.toEqual(unavailable)
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(unavailable)
  })

  it('of the store end the waiting, unless they pass', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service)
    const settled = service.settled(request.id, NEVER)
    repository.failure = new Error('gone')
    await new Promise((resolve) => setTimeout(resolve, 50))
    repository.failure = undefined
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    expect((await settled).state).toBe('approved')
    const second = await asked(service, newRequest({ digest: 'e'.repeat(64) }))
    repository.failure = new Error('gone')
    await expect(service.settled(second.id, NEVER)).rejects.toEqual(failed('CHP-APPROVAL-UNAVAILABLE'))
  })

  it('of the journal keep everything from taking effect', async () => {
    let works = true
    const record = () => (works ? Promise.resolve() : Promise.reject(new ChaperoneError('CHP-RECORD-FAILED')))
    const { service, desk, repository } = gateway(new MemoryApprovalRepository(), { recorder: { record } })
    const request = await asked(service)
    const before = repository.requests
    works = false
    const failure = failed('CHP-RECORD-FAILED')
    await expect(service.ask(newRequest({ digest: 'e'.repeat(64) }))).rejects.toEqual(failure)
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(failure)
    await expect(service.withdraw(request.id)).rejects.toEqual(failure)
    expect(repository.requests).toBe(before)
    works = true
    await desk.decide(request.id, approver('ann'), ONCE, PASSKEY)
    works = false
    await expect(covers(service)).rejects.toEqual(failure)
    works = true
    expect(await covers(service)).toBe(true)
  })

  it('of a commit cover nothing', async () => {
    const { service, desk, repository } = gateway()
    const request = await asked(service)
    repository.commitFailure = new Error('lost')
    await expect(desk.decide(request.id, approver('ann'), ONCE, PASSKEY)).rejects.toEqual(
      failed('CHP-APPROVAL-UNAVAILABLE'),
    )
    expect(await covers(service)).toBe(false)
  })

  it('where nobody waits are told to the operator', async () => {
    const { service, repository, errors } = gateway()
    repository.failure = new Error('gone')
    await service.sweep()
    expect(errors).toEqual([failed('CHP-APPROVAL-UNAVAILABLE', 'gone')])
  })

  it('end those who wait when the gateway stops', async () => {
    const { service } = gateway()
    const request = await asked(service)
    const settled = service.settled(request.id, NEVER)
    const told = vi.fn<() => void>()
    settled.catch(told)
    await service.close()
    await vi.waitFor(() => expect(told).toHaveBeenCalled())
  })
})

describe('the journal', () => {
  it('is told who decided what, by what proof, and nothing that people wrote outside of the body', async () => {
    const { service, desk, records } = gateway()
    const request = await asked(service)
    await desk.decide(request.id, approver('ann'), timed(5), PASSKEY)
    expect(records.map(({ session }) => session)).toEqual([request.session, request.session])
    expect(records[0]).toMatchObject({
      who: { chain: ['agents/planner', 'clinic/dora'], purpose: 'TREAT', run: 'run-1' },
      what: {
        event: 'requested',
        request: request.id,
        digest: request.digest,
        target: 'hospital',
        rules: ['guardrails/masked-write'],
      },
    })
    expect(JSON.parse(records[0]?.body ?? '').shown.statement).toContain('UPDATE')
    expect(records[1]?.what).toEqual({
      event: 'decided',
      request: request.id,
      digest: request.digest,
      subject: 'operation',
      state: 'approved',
      rules: ['guardrails/masked-write'],
      target: 'hospital',
      by: 'clinic/ann',
      verdict: 'approve-timed',
      pools: ['privacy'],
      stepUp: 'passkey',
      minutes: 5,
      passkey: 'passkey-1',
      holds: 'timed',
      until: new Date(request.createdAt + 5 * 60_000).toISOString(),
    })
    expect(JSON.parse(records[1]?.body ?? '')).toEqual({ rationale: 'for the run', signature: SIGNATURE })
    expect(JSON.stringify(records.map(({ what, who }) => [what, who]))).not.toContain('for the run')
  })
})
