import { DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { type ApprovalBed, startApprovalBed } from '../approvals/approval-bed.ts'
import { of, type Received, type WireClient } from '../support/wire-client.ts'

/** A time of day in UTC, by whole minutes. */
const timeOfDay = (at: number): string => new Date(at).toISOString().slice(11, 16)
const MINUTE = 60_000

let held: ApprovalBed
/** When the schedule of the clinician ends. */
let closes: number
beforeAll(async () => {
  held = await startApprovalBed({
    configure: (document) => {
      // The bed needs some seconds to begin: there have to be enough of them before the schedule ends.
      closes = Math.ceil((Date.now() + 40_000) / MINUTE) * MINUTE
      const { targets, phi, grants } = document
      for (const name of ['lent', 'office']) {
        targets[name] = { ...targets['hospital'], database: targets['hospital'].database }
        phi.labels[name] = { 'held.*': 'none' }
      }
      grants.push(
        {
          name: 'on-request',
          principals: [{ kind: 'agent' }],
          targets: ['lent'],
          onRequest: { maxDuration: '1h', pools: ['chiefs'], quorum: 1 },
        },
        {
          name: 'in-hours',
          principals: [{ group: 'clinicians' }],
          targets: ['office'],
          schedule: { from: timeOfDay(closes - 60 * MINUTE), to: timeOfDay(closes), timezone: 'UTC' },
        },
      )
      document['rules'] = []
    },
  })
}, 120_000)
afterAll(() => held?.stop())

async function posted(path: string, who: 'agent' | 'officer', body: unknown): Promise<{ readonly id: string }> {
  const response = await fetch(`http://127.0.0.1:${held.bed.gateway.webPort}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { authorization: `Bearer ${await held.bed.token(who)}`, 'content-type': 'application/json' },
  })
  const text = await response.text()
  if (!response.ok) expect.fail(`${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

const codesOf = (messages: readonly Received[]) => of(messages, 'ErrorResponse').map(({ fields }) => fields.get('M'))
const refused = (login: Promise<unknown>) =>
  login.then(
    () => 'not refused',
    (error: unknown) => (error instanceof DatabaseError ? error.message : String(error)),
  )

/** Messages until the session ends, and when that was. */
async function ended(wire: WireClient) {
  for (;;) {
    const messages = await wire.toEnd().catch(() => undefined)
    if (messages !== undefined) return { messages, at: Date.now() }
  }
}

interface Ending {
  readonly endsAt: number
  /** Of its own, so that the cases do not wait for each other. */
  readonly bed: number
  readonly sleep: string
}

/** An idle session, one with a statement that runs, one in a transaction that has changed something: all end in time. */
async function allEnd(wires: readonly WireClient[], { endsAt, bed, sleep }: Ending): Promise<void> {
  const [idle, busy, writing] = wires
  if (idle === undefined || busy === undefined || writing === undefined) expect.fail('no sessions')
  writing.send(encodeQuery('begin'), encodeQuery(`update held.bed set kind = 'kept?' where id = ${bed}`))
  await writing.ready()
  expect(codesOf(await writing.ready())).toEqual([])
  busy.send(encodeQuery(sleep))
  const all = await Promise.all([ended(idle), ended(busy), ended(writing)])
  for (const { messages, at } of all) {
    expect(codesOf(messages)).toEqual([expect.stringContaining('CHP-SESSION-TERMINATED')])
    expect(at).toBeGreaterThanOrEqual(endsAt)
    // A second, and a sweep.
    expect(at).toBeLessThan(endsAt + 3000)
  }
  await until(async () => !(await isRunning(sleep)))
  await until(async () => (await held.kindOf(bed)) === 'free')
}

async function isRunning(sql: string): Promise<boolean> {
  const admin = await held.bed.direct()
  const { rowCount } = await admin.query("select from pg_stat_activity where query = $1 and state = 'active'", [sql])
  await admin.end()
  return rowCount !== 0
}

/** As expect.poll, which tests that run at the same time do not have. */
async function until(found: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000
  while (!(await found())) {
    if (performance.now() > deadline) expect.fail('not in time')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

describe.concurrent('a session', () => {
  it('ends when access that was given on request does, whatever it does then', async () => {
    expect(await refused(held.bed.connect('agent', { database: 'lent' }))).toContain('CHP-AUTH-REFUSED')
    const { id } = await posted('/v1/access-requests', 'agent', {
      grant: 'on-request',
      durationSeconds: 60,
      justification: 'looks after beds',
    })
    const before = Date.now()
    await held.decide(id)
    const login = () => held.bed.wire('agent', { database: 'lent' })
    await until(() =>
      login().then(
        () => true,
        () => false,
      ),
    )
    const wires = [await login(), await login(), await login()]
    await allEnd(wires, { endsAt: before + 60_000, bed: 7, sleep: 'select pg_sleep(120)' })
    expect(await refused(held.bed.connect('agent', { database: 'lent' }))).toContain('CHP-AUTH-REFUSED')
  }, 120_000)

  it('ends when its schedule does', async () => {
    const login = () => held.bed.wire('clinician', { database: 'office' })
    const wires = [await login(), await login(), await login()]
    await allEnd(wires, { endsAt: closes, bed: 8, sleep: 'select pg_sleep(121)' })
    expect(await refused(held.bed.connect('clinician', { database: 'office' }))).toContain('CHP-AUTH-REFUSED')
  }, 180_000)
})
