import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEMO_TARGET } from '../../demo/chaperone.yaml.ts'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { type ConfigDocument, startTestbed, type Testbed } from '../support/testbed.ts'
import { CALLERS, clientOf, DESK_SQL, idsBy, labelDesk, nameOf, one, refusalOf, shownName } from './desk.ts'

/** The same database under another name: another target. */
const ANNEX = 'annex'

const CLIENTS = [
  { id: 'planner', groups: ['planners'], purpose: 'care' },
  { id: 'second-planner', groups: ['planners'], purpose: 'care' },
  { id: 'billing-planner', groups: ['planners'], purpose: 'billing' },
  { id: 'aimless-planner', groups: ['planners'], purpose: undefined },
  { id: 'caller', groups: ['callers'], purpose: 'care' },
  { id: 'scheduler', groups: ['schedulers'], purpose: 'care' },
  { id: 'both', groups: ['planners', 'callers'], purpose: 'care' },
  { id: 'both-again', groups: ['callers', 'planners'], purpose: 'care' },
  { id: 'caller-and-scheduler', groups: ['callers', 'schedulers'], purpose: 'care' },
  { id: 'planner-who-sees-names', groups: ['planners', 'registrars'], purpose: 'care' },
] as const

type Who = (typeof CLIENTS)[number]['id']

let provider: IdentityProvider
let bed: Testbed
const sessions = new Map<string, Client>()

beforeAll(async () => {
  provider = await startIdentityProvider({
    audience: 'chaperone',
    clients: CLIENTS.map(({ id, groups, purpose }) => ({
      id,
      secret: `${id}-secret`,
      kind: 'agent' as const,
      groups,
      name: id,
      ...(purpose === undefined ? {} : { purpose }),
    })),
  })
  bed = await startTestbed({ patients: 20, prepare: (admin) => admin.query(DESK_SQL), configure })
})
afterAll(async () => {
  await Promise.allSettled([...sessions.values()].map((client) => client.end()))
  await bed?.stop()
  await provider?.close()
})

const grant = (name: string, group: string, more: ConfigDocument) => ({ name, principals: [{ group }], ...more })

function configure(document: ConfigDocument): void {
  labelDesk(document)
  labelDesk(document, ANNEX)
  document['targets'][ANNEX] = structuredClone(document['targets'][DEMO_TARGET])
  const [issuer] = document['issuers']
  Object.assign(issuer, { issuer: provider.issuer, claims: { ...issuer.claims, purpose: 'purpose' } })
  document['grants'].push(
    grant('planners-plan', 'planners', { targets: [DEMO_TARGET, ANNEX] }),
    grant('callers-call', 'callers', { targets: [DEMO_TARGET], tokenScope: 'desk' }),
    grant('schedulers-schedule', 'schedulers', { targets: [DEMO_TARGET], tokenScope: 'desk' }),
    grant('registrars-see-names', 'registrars', { targets: [DEMO_TARGET], clearance: { classes: { name: 'clear' } } }),
  )
}

/** The session of a client at a target; one for all tests. */
async function as(who: Who, target = DEMO_TARGET): Promise<Client> {
  const key = `${who} ${target}`
  let client = sessions.get(key)
  if (client === undefined) {
    client = await clientOf({ port: bed.gateway.port, ca: bed.ca, token: await provider.token(who), target })
    sessions.set(key, client)
  }
  return client
}

describe.each<[string, Who, Who, string?, string?]>([
  ['two of one group and purpose', 'planner', 'second-planner'],
  ['two grants of one tokenScope', 'caller', 'scheduler'],
  ['one grant of a tokenScope and two of it', 'caller', 'caller-and-scheduler'],
  ['the same grants, whatever the order of the groups', 'both', 'both-again'],
])('%s', (_what, first, second) => {
  it('have the same tokens, and find by the tokens of the other', async () => {
    for (const [giver, taker] of [
      [await as(first), await as(second)],
      [await as(second), await as(first)],
    ] as const) {
      for (const id of [1, CALLERS]) {
        const token = await shownName(giver, id)
        expect(token).toMatch(/^tok_/u)
        expect(await shownName(taker, id)).toBe(token)
        expect(await idsBy(taker, token)).toEqual([id])
      }
    }
  })
})

describe.each<[string, Who, Who, string, string]>([
  ['two groups', 'planner', 'caller', DEMO_TARGET, DEMO_TARGET],
  ['two purposes', 'planner', 'billing-planner', DEMO_TARGET, DEMO_TARGET],
  ['a purpose and none', 'planner', 'aimless-planner', DEMO_TARGET, DEMO_TARGET],
  ['two targets', 'planner', 'planner', DEMO_TARGET, ANNEX],
  ['a group and two groups', 'planner', 'both', DEMO_TARGET, DEMO_TARGET],
  ['two groups and the other group', 'both', 'caller', DEMO_TARGET, DEMO_TARGET],
])('%s', (_what, first, second, target, otherTarget) => {
  it('have different tokens for one value', async () => {
    const [one_, other] = [await as(first, target), await as(second, otherTarget)]
    for (const column of ['full_name', 'record_no']) {
      const sql = `SELECT ${column} FROM desk.caller ORDER BY id`
      const tokens = await Promise.all([one_, other].map((client) => client.query({ text: sql, rowMode: 'array' })))
      expect(new Set(tokens.flatMap(({ rows }) => rows.flat())).size).toBe(2 * CALLERS)
    }
  })

  it('find nothing by the token of the other, which is on record', async () => {
    for (const [giver, taker] of [
      [await as(first, target), await as(second, otherTarget)],
      [await as(second, otherTarget), await as(first, target)],
    ] as const) {
      const token = await shownName(giver, 3)
      const headers = await bed.recorded(
        async () => {
          expect(await idsBy(taker, token)).toEqual([])
          expect(await one(taker, `SELECT count(*)::int FROM desk.caller WHERE full_name = '${token}'`)).toBe(0)
          expect(await one(taker, `SELECT count(*)::int FROM desk.caller WHERE full_name <> '${token}'`)).toBe(CALLERS)
        },
        (found) => found.filter(({ kind }) => kind === 'alert').length >= 3,
      )
      const alerts = headers.filter(({ kind }) => kind === 'alert').map(({ what }) => what)
      expect(alerts).toEqual(Array.from({ length: 3 }, () => ({ alert: 'token-unknown', classes: ['name'], count: 1 })))
      expect(JSON.stringify(headers)).not.toContain(token)
      expect(bed.log.filter((line) => line.includes(token) || line.includes('Quuxalot'))).toEqual([])
    }
  })

  it('do not store the token of the other', async () => {
    const admin = await bed.direct()
    const [giver, taker] = [await as(first, target), await as(second, otherTarget)]
    const token = await shownName(giver, 3)
    const before = await one(admin, 'SELECT json_agg(c ORDER BY id) FROM desk.caller c')
    for (const [sql, values] of [
      [`UPDATE desk.caller SET full_name = $1 WHERE id = 4`, [token]],
      [`UPDATE desk.caller SET full_name = '${token}' WHERE id = 4`, []],
      [`INSERT INTO desk.caller VALUES (900, 'new', $1)`, [token]],
      [
        `INSERT INTO desk.caller (id, record_no) VALUES (900, $1)`,
        [await one(giver, 'SELECT record_no FROM desk.caller')],
      ],
    ] as const) {
      expect(await refusalOf(taker.query(sql, [...values]))).toBe('22000 CHP-TOKEN-UNKNOWN')
    }
    expect(JSON.stringify(await one(admin, 'SELECT json_agg(c ORDER BY id) FROM desk.caller c'))).toBe(
      JSON.stringify(before),
    )
  })
})

describe('who has several grants', () => {
  it('sees what one of them clears, and has tokens for the rest in a scope of that combination', async () => {
    const client = await as('planner-who-sees-names')
    expect(await shownName(client, 2)).toBe(nameOf(2))
    // A value of a class that they are cleared for is a value, and a token of it is a text like any other.
    expect(await idsBy(client, nameOf(2))).toEqual([2])
    expect(await idsBy(client, await shownName(await as('planner'), 2))).toEqual([])
    const recordNo = await one(client, 'SELECT record_no FROM desk.caller WHERE id = 2')
    expect(recordNo).toBeLessThan(0)
    expect(await one(client, 'SELECT id FROM desk.caller WHERE record_no = $1', [recordNo])).toBe(2)
    expect(
      await one(await as('planner'), 'SELECT id FROM desk.caller WHERE record_no = $1', [recordNo]),
    ).toBeUndefined()
  })
})

it('starts each session on record with its scope', async () => {
  const headers = await bed.recorded(
    async () => {
      const client = await clientOf({ port: bed.gateway.port, ca: bed.ca, token: await provider.token('both') })
      await client.end()
    },
    (found) => found.some(({ kind }) => kind === 'session-start'),
  )
  const [start] = headers.filter(({ kind }) => kind === 'session-start')
  expect(start?.what).toMatchObject({ tokenScope: { group: 'desk+planners-plan', purpose: 'care' } })
})
