import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Approver, Opinion } from '../../src/approve/approvals.ts'
import { ApprovalService } from '../../src/approve/approval-service.ts'
import type { NewRequest, RequestMember } from '../../src/approve/approval-request.ts'
import { Passkeys } from '../../src/approve/passkeys.ts'
import { SoftwareAuthenticator } from '../../src/approve/software-authenticator-test-support.ts'
import { steadyClock } from '../../src/lib/steady-clock.ts'
import { WebhookSender } from '../../src/notify/webhook-sender.ts'
import { approvalRepository } from '../../src/store/approval-repository.ts'
import { openStore, type StoreLocation } from '../../src/store/open-store.ts'
import { passkeyRepository } from '../../src/store/passkey-repository.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { webhookOutbox } from '../../src/store/webhook-outbox.ts'

const KEY = randomBytes(32)
const ORIGIN = 'https://gateway.example'
/** A busy machine is no reason to fail. */
const PATIENT = { timeoutMs: 25_000 }
const NEVER = new AbortController().signal
const CONFIG = { requestLifetime: 3_600_000, maxApproval: 3_600_000, maxPending: 20, stepUp: 'passkey' } as const

const human = (subject: string): RequestMember => ({ issuer: 'clinic', subject, kind: 'human' })
const approver = (subject: string): Approver => ({
  member: human(subject),
  isDelegated: false,
  pools: new Set(['privacy']),
})
const ONCE: Opinion = { verdict: { kind: 'approve-once' }, rationale: 'as agreed' }

const request = (more: Partial<NewRequest> = {}): NewRequest => ({
  digest: randomBytes(32).toString('hex'),
  subject: {
    kind: 'operation',
    shown: {
      target: 'hospital',
      protocol: 'postgres',
      statement: 'DELETE FROM ehr.note WHERE id = $1',
      commands: ['DELETE'],
      effects: ['delete'],
      relations: ['delete ehr.note'],
      classes: ['free-text'],
      parameters: 1,
      reasons: [{ rule: 'guardrails/masked-write', message: 'rows with PHI are deleted' }],
      hasPreview: true,
    },
  },
  chain: [{ issuer: 'agents', subject: 'planner', kind: 'agent' }, human('dora')],
  chainKey: '["agents/planner","clinic/dora"]',
  needs: [{ pools: ['privacy'], quorum: 1, rule: 'guardrails/masked-write' }],
  exact: '{"statement":"DELETE FROM ehr.note WHERE id = 7"}',
  ...more,
})

/** Asks, and says whether it is covered. */
const covers = async ({ service }: { readonly service: ApprovalService }, wanted: NewRequest): Promise<boolean> =>
  (await service.ask(wanted)).kind === 'covered'

describe('approvals on one store', () => {
  let directory: string
  let server: StoreServer
  const open: (() => Promise<void>)[] = []

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaperone-approvals-'))
    server = await StoreServer.start({}, directory)
  })
  afterEach(async () => {
    for (const close of open.splice(0).toReversed()) await close()
  })
  afterAll(async () => {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** As two gateways have: nothing is shared but the database, the key and the webhook. */
  function gateway(location: StoreLocation, url = 'http://127.0.0.1:9/', pollMs = 2000) {
    const store = openStore({ location, ...PATIENT })
    const clock = steadyClock(() => Date.now())
    const secret = () => Promise.resolve(`whsec_${KEY.toString('base64')}`)
    const sender = new WebhookSender({
      outbox: webhookOutbox(store),
      webhooks: [{ name: 'pager', url, ca: undefined, secret }],
      clock,
      onFailure: () => undefined,
      onGivenUp: () => undefined,
      retryAfter: () => 50,
      pollMs: 50,
    })
    const recorder = { record: () => Promise.resolve() }
    const common = { publicUrl: ORIGIN, key: KEY, recorder, clock }
    const passkeys = new Passkeys({ ...common, repository: passkeyRepository(store), onRegistered: () => undefined })
    const service = new ApprovalService({
      ...common,
      config: { ...CONFIG, webhooks: [{ name: 'pager' }] },
      repository: approvalRepository(store, clock),
      signing: passkeys,
      effects: { access: () => Promise.resolve(true), policy: () => Promise.resolve(true) },
      isRevoked: () => false,
      onInvalid: () => undefined,
      onBackgroundError: () => undefined,
      onMessages: () => sender.wake(),
      pollMs,
    })
    const close = async () => {
      await service.close()
      await sender.close()
      await store.close()
    }
    open.push(close)
    return { service, desk: service.desk, passkeys, clock, close }
  }

  type Gateway = ReturnType<typeof gateway>

  async function registered({ passkeys, clock }: Gateway, subject: string): Promise<SoftwareAuthenticator> {
    const authenticator = new SoftwareAuthenticator(ORIGIN)
    const { creation } = await passkeys.beginRegistration(human(subject), clock())
    const attestation = authenticator.create(creation)
    await passkeys.finishRegistration(human(subject), { name: 'key', attestation, proof: undefined })
    return authenticator
  }

  async function decide(at: Gateway, id: string, subject: string, authenticator: SoftwareAuthenticator) {
    const assertion = authenticator.get(await at.desk.challenge(id, approver(subject), ONCE))
    return at.desk.decide(id, approver(subject), ONCE, { kind: 'passkey', assertion })
  }

  it('are asked for at one gateway, decided at another, and told to the one who waits at once', async () => {
    const location = await server.database()
    // Who waits here looks for itself seldom: it is told.
    const [here, there] = [gateway(location, undefined, 10_000), gateway(location)]
    const ann = await registered(there, 'ann')
    const wanted = request()
    const { request: asked } = await here.service.ask(wanted)
    expect(await there.desk.exactOf(asked.id)).toBe(wanted.exact)
    const settled = here.service.settled(asked.id, NEVER)
    await decide(there, asked.id, 'ann', ann)
    expect(await settled).toMatchObject({ state: 'approved', decisions: [{ stepUp: { credential: ann.id } }] })
    const uses = await Promise.all([here, there, here, there].map((one) => covers(one, wanted)))
    expect(uses.filter(Boolean)).toHaveLength(1)
  })

  it('need two people where the quorum is two, whatever happens at once at two gateways', async () => {
    const location = await server.database()
    const [here, there] = [gateway(location), gateway(location)]
    const keys = await Promise.all(['ann', 'bob', 'cy'].map((name) => registered(here, name)))
    const wanted = request({ needs: [{ pools: ['privacy'], quorum: 2, rule: 'r' }] })
    const { request: asked } = await here.service.ask(wanted)
    const attempts = ['ann', 'bob', 'cy'].flatMap((name, i) =>
      [here, there].map(async (one) => {
        const key = keys[i]
        if (key === undefined) throw new Error('there is no key')
        return decide(one, asked.id, name, key)
      }),
    )
    const results = await Promise.allSettled(attempts)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    const after = await there.desk.get(asked.id)
    expect(after?.state).toBe('approved')
    expect(new Set(after?.decisions.map(({ by }) => by.subject)).size).toBe(2)
  })

  it('stay pending through a crash of the store and a restart of the gateway, and are decided after it', async () => {
    const location = await server.database()
    const first = gateway(location)
    const ann = await registered(first, 'ann')
    const [pending, approved, used] = [request(), request(), request()]
    const ids = []
    for (const one of [pending, approved, used]) ids.push((await first.service.ask(one)).request.id)
    await decide(first, ids[1] ?? '', 'ann', ann)
    await decide(first, ids[2] ?? '', 'ann', ann)
    expect(await covers(first, used)).toBe(true)
    const settled = first.service.settled(ids[0] ?? '', NEVER)
    await server.server.kill9()
    await expect(first.service.ask(request())).rejects.toMatchObject({ code: 'CHP-APPROVAL-UNAVAILABLE' })
    await expect(covers(first, approved)).rejects.toMatchObject({ code: 'CHP-APPROVAL-UNAVAILABLE' })
    await server.crash()
    const second = gateway(location)
    await vi.waitFor(async () => expect(await covers(second, pending)).toBe(false), 10_000)
    expect(await covers(second, used)).toBe(false)
    expect((await second.desk.get(ids[0] ?? ''))?.state).toBe('pending')
    expect(await covers(second, approved)).toBe(true)
    expect(await covers(second, approved)).toBe(false)
    await decide(second, ids[0] ?? '', 'ann', ann)
    // Who waited through all of it gets the answer, if the store was back in time.
    expect(await settled.then(({ state }) => state)).toBe('approved')
  })

  it('are told to a webhook that was not there at first', async () => {
    const bodies: string[] = []
    let works = false
    const receiver = createServer((incoming, response) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        if (works) bodies.push(Buffer.concat(chunks).toString())
        response.writeHead(works ? 200 : 503).end()
      })
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    open.push(async () => {
      receiver.closeAllConnections()
      await new Promise((resolve) => receiver.close(resolve))
    })
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
    const { port } = receiver.address() as AddressInfo
    const location = await server.database()
    const first = gateway(location, `http://127.0.0.1:${port}/`)
    const { request: asked } = await first.service.ask(request())
    await first.service.withdraw(asked.id)
    await first.close()
    works = true
    gateway(location, `http://127.0.0.1:${port}/`)
    await vi.waitFor(() => expect(bodies.length).toBeGreaterThanOrEqual(2), 5000)
    const told = bodies.map((body): unknown => JSON.parse(body))
    for (const type of ['approval.requested', 'approval.withdrawn']) {
      expect(told).toContainEqual(
        expect.objectContaining({
          type,
          data: expect.objectContaining({ request: asked.id, url: `${ORIGIN}/approvals/${asked.id}` }),
        }),
      )
    }
    expect(bodies.join('')).not.toMatch(/id = 7|id = \$1/)
  })

  it('answer quickly among 10,000 that are pending', async () => {
    const location = await server.database()
    const one = gateway(location)
    const first = (await one.service.ask(request())).request
    await server.query(
      location.database,
      `INSERT INTO chaperone.approval_request
        (id, digest, kind, chain, members, pools, state, created, expires, is_told, sealed)
      SELECT 'apr-' || lpad(i::text, 12, '0'), encode(sha256(i::text::bytea), 'hex'), kind, 'chain ' || i % 700, members,
        pools, state, created, expires, false, sealed
      FROM chaperone.approval_request, generate_series(1, 10000) i WHERE id = '${first.id}';
      ANALYZE chaperone.approval_request`,
    )
    const ann = await registered(one, 'ann')
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const wanted = request()
      const begun = performance.now()
      const { request: asked } = await one.service.ask(wanted)
      times.push(performance.now() - begun)
      await decide(one, asked.id, 'ann', ann)
      const used = performance.now()
      expect(await covers(one, wanted)).toBe(true)
      times.push(performance.now() - used)
    }
    // A busy machine is no reason to fail; on a quiet one it is a few milliseconds.
    expect(times.toSorted((left, right) => left - right)[20]).toBeLessThan(250)
  })
})
