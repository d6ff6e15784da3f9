import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { SqlInspector } from '../../src/inspect/sql/sql-inspector.ts'
import type { BoundValue } from '../../src/protocols/protocol.ts'
import { codeOf, hospital, type HeldSession, idIn, NURSE, type Attempt } from './held-session-test-support.ts'

const inspector = new SqlInspector()
beforeAll(() => inspector.warm())
afterAll(() => inspector.close())

const open: ReturnType<typeof hospital>[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const made = (): ReturnType<typeof hospital> => {
  const one = hospital({ inspector })
  open.push(one)
  return one
}

const HOUR = 3_600_000
const UPDATE = "UPDATE free_bed SET kind = 'icu' WHERE id = $1"
const value = (text: string, typeOid = 23, format = 0): BoundValue => ({ typeOid, format, value: Buffer.from(text) })
const SEVEN: Attempt = { parameters: [value('7')] }

type Hospital = ReturnType<typeof hospital>

/** What has changed between the approval and the run; the session that runs it. */
type Change = (hospital: Hospital, session: HeldSession) => Promise<HeldSession> | HeldSession | undefined

interface Row {
  readonly name: string
  readonly change?: Change
  readonly sql?: string
  readonly attempt?: Attempt
  /** What it is told in the end. */
  readonly told?: string
}

/** Everything that an approval is bound to, changed one by one. */
const CHANGED: readonly Row[] = [
  { name: 'the statement', sql: "UPDATE free_bed SET kind = 'icu' WHERE id = $1 OR true" },
  { name: 'a literal of the statement', sql: "UPDATE free_bed SET kind = 'icu2' WHERE id = $1" },
  { name: 'white space of the statement', sql: `${UPDATE} ` },
  { name: 'a comment in the statement', sql: `${UPDATE} -- approved` },
  { name: 'the value of a parameter', attempt: { parameters: [value('8')] } },
  { name: 'a parameter that is NULL', attempt: { parameters: [{ typeOid: 23, format: 0, value: null }] } },
  { name: 'one parameter more', attempt: { parameters: [value('7'), value('8')] } },
  { name: 'the type of a parameter', attempt: { parameters: [value('7', 25)] } },
  { name: 'the format of a parameter', attempt: { parameters: [value('7', 23, 1)] } },
  {
    name: 'search_path',
    change: (one) => one.open('hospital', { searchPathSetting: 'public, evil', searchPath: ['public', 'evil'] }),
  },
  { name: 'the role', change: (one) => one.open('hospital', { role: 'owner' }) },
  {
    name: 'another setting',
    change: async (_, session) => {
      expect(await session.run("SET DateStyle = 'SQL, DMY'")).toBe('run')
      return session
    },
  },
  {
    name: 'a setting by a function',
    change: async (_, session) => {
      expect(await session.run("SELECT set_config('app.tenant', 'b', false)")).toBe('run')
      return session
    },
  },
  {
    name: 'a view that was replaced',
    change: (one) => {
      one.changeCatalog({ view: '2' })
      return undefined
    },
  },
  {
    name: 'the table behind the view',
    change: (one) => {
      one.changeCatalog({ bed: '2' })
      return undefined
    },
  },
  {
    name: 'the version of the policy',
    change: (one) => {
      one.changePolicy()
      return undefined
    },
  },
  {
    name: 'for whom the agent acts',
    change: (one) => {
      one.as({ ...NURSE, onBehalfOf: [{ issuer: 'idp', subject: 'dr-no', kind: 'human', groups: [] }] })
      return one.open()
    },
  },
  {
    name: 'who acts',
    change: (one) => {
      one.as({ ...NURSE, subject: 'agent-2' })
      return one.open()
    },
  },
  {
    name: 'a chain with another member',
    change: (one) => {
      const planner = { issuer: 'idp', subject: 'planner', kind: 'agent', groups: [] } as const
      one.as({ ...NURSE, onBehalfOf: [planner, ...(NURSE.onBehalfOf ?? [])] })
      return one.open()
    },
  },
  {
    name: 'the same names of another issuer',
    change: (one) => {
      one.as({ ...NURSE, issuer: 'evil' })
      return one.open()
    },
  },
  {
    name: 'the purpose',
    change: (one) => {
      one.as({ ...NURSE, purpose: 'HRESCH' })
      return one.open()
    },
  },
  {
    name: 'the run',
    change: (one) => {
      one.as({ ...NURSE, run: 'run-2' })
      return one.open()
    },
  },
  {
    name: 'the patients',
    change: (one) => {
      one.as({ ...NURSE, patients: ['1'] })
      return one.open()
    },
  },
  { name: 'the target', change: (one) => one.open('annex') },
  {
    name: 'the token, which has expired',
    change: (one) => {
      one.pass(11 * HOUR)
      return undefined
    },
    told: 'CHP-AUTH-EXPIRED',
  },
  {
    name: 'the approval, which has expired',
    change: (one) => {
      one.pass(HOUR + 1)
      return undefined
    },
  },
]

describe('an approval covers nothing when this has changed since:', () => {
  it.each(CHANGED)('$name', async ({ change, sql = UPDATE, attempt = SEVEN, told = 'CHP-APPROVAL-PENDING' }) => {
    const one = made()
    const session = await one.open()
    const ticket = await session.run(UPDATE, SEVEN)
    expect(codeOf(ticket)).toBe('CHP-APPROVAL-PENDING')
    await one.decide(idIn(ticket))
    const changed = (await change?.(one, session)) ?? session
    const before = one.records.filter(({ kind }) => kind === 'intent').length
    const again = await changed.run(sql, attempt)
    expect(codeOf(again)).toBe(told)
    expect(idIn(again)).not.toBe(idIn(ticket))
    expect(one.records.filter(({ kind }) => kind === 'intent')).toHaveLength(before)
  })
})

describe('an approval covers the same operation', () => {
  it('of a session that has waited, and of another one of the same chain, once', async () => {
    const one = made()
    const session = await one.open()
    const ticket = await session.run(UPDATE, SEVEN)
    await one.decide(idIn(ticket))
    const other = await one.open()
    expect(await other.run(UPDATE, SEVEN)).toBe('run')
    const intent = one.records.findLast(({ kind }) => kind === 'intent')
    expect(intent?.what).toMatchObject({ approval: idIn(ticket), decision: 'hold', rules: ['writes'] })
    const again = await session.run(UPDATE, SEVEN)
    expect(codeOf(again)).toBe('CHP-APPROVAL-PENDING')
    expect(idIn(again)).not.toBe(idIn(ticket))
  })

  it('after what changes nothing that it rests on', async () => {
    const one = made()
    const session = await one.open()
    const ticket = await session.run(UPDATE, SEVEN)
    await one.decide(idIn(ticket))
    one.changeCatalog({ other: '2' })
    await session.run("SET application_name = 'x'")
    await session.run('SELECT id FROM bed')
    await session.run('SET extra_float_digits = 3')
    expect(await session.run(UPDATE, SEVEN)).toBe('run')
  })

  it('for so long, as often as it is asked for, and not longer', async () => {
    const one = made()
    const session = await one.open()
    const ticket = await session.run(UPDATE, SEVEN)
    await one.decide(idIn(ticket), { verdict: { kind: 'approve-timed', minutes: 10 }, rationale: 'for the batch' })
    for (let count = 0; count < 3; count++) expect(await session.run(UPDATE, SEVEN)).toBe('run')
    one.pass(10 * 60_000)
    expect(codeOf(await session.run(UPDATE, SEVEN))).toBe('CHP-APPROVAL-PENDING')
  })

  it('of one of two clients that wait for it', async () => {
    const one = hospital({ inspector, waitMs: 5000 })
    open.push(one)
    const [first, second] = [await one.open(), await one.open()]
    const results = Promise.all([first.run(UPDATE, SEVEN), second.run(UPDATE, SEVEN)])
    await expect.poll(() => [first.notices.length, second.notices.length]).toEqual([1, 1])
    const [id = ''] = one.pending()
    await one.decide(id)
    const told = (await results).map(codeOf).toSorted()
    expect(told).toEqual(['CHP-APPROVAL-PENDING', 'run'])
  })

  it('of a session with its own settings while they stay as they are, and of no other', async () => {
    const one = made()
    const session = await one.open()
    await session.run("SET DateStyle = 'SQL, DMY'")
    const ticket = await session.run(UPDATE, SEVEN)
    await one.decide(idIn(ticket))
    const other = await one.open()
    await other.run("SET DateStyle = 'SQL, DMY'")
    expect(codeOf(await other.run(UPDATE, SEVEN))).toBe('CHP-APPROVAL-PENDING')
    expect(await session.run(UPDATE, SEVEN)).toBe('run')
  })
})

const waiting = (): Hospital => {
  const one = hospital({ inspector, waitMs: 5000 })
  open.push(one)
  return one
}

describe('while a client waits', () => {
  it.each<readonly [string, (one: Hospital) => void, string]>([
    ['nothing: it runs', () => undefined, 'run'],
    ['a view is replaced', (one) => one.changeCatalog({ view: '2' }), 'CHP-APPROVAL-PENDING'],
    ['the policy changes', (one) => one.changePolicy(), 'CHP-APPROVAL-PENDING'],
    ['the token expires', (one) => one.pass(11 * HOUR), 'CHP-AUTH-EXPIRED'],
    ['the access ends', (one) => one.changePolicy([]), 'CHP-SESSION-TERMINATED'],
  ])('%s', async (_, change, told) => {
    const one = waiting()
    const session = await one.open()
    const result = session.run(UPDATE, SEVEN)
    await expect.poll(() => session.notices).toHaveLength(1)
    const [id = ''] = one.pending()
    await one.decide(id)
    change(one)
    expect(codeOf(await result)).toBe(told)
  })

  it('a refusal is told without what the approver wrote', async () => {
    const one = waiting()
    const session = await one.open()
    const result = session.run(UPDATE, SEVEN)
    await expect.poll(() => session.notices).toHaveLength(1)
    await one.decide(one.pending()[0] ?? '', { verdict: { kind: 'refuse' }, rationale: 'Mrs Quux has died' })
    const refusal = await result
    expect(codeOf(refusal)).toBe('CHP-APPROVAL-REFUSED')
    expect(JSON.stringify(refusal)).not.toContain('Quux')
    expect(JSON.stringify(one.records)).not.toContain('Quux')
  })

  it.each([
    ['cancelled', [], 'CHP-APPROVAL-WITHDRAWN'],
    ['gone', [], 'CHP-APPROVAL-WITHDRAWN'],
    ['ended', ['pending'], 'CHP-APPROVAL-WITHDRAWN'],
  ] as const)('and is %s, its request is withdrawn, or left', async (reason, left, told) => {
    const one = waiting()
    const session = await one.open()
    const result = session.run(UPDATE, SEVEN)
    await expect.poll(() => session.notices).toHaveLength(1)
    session.end(reason)
    expect(codeOf(await result)).toBe(told)
    expect(one.pending().map(() => 'pending')).toEqual(left)
  })

  it('the store goes away: it is refused', async () => {
    const one = waiting()
    const session = await one.open()
    one.repository.failure = new Error('down')
    expect(codeOf(await session.run(UPDATE, SEVEN))).toBe('CHP-APPROVAL-UNAVAILABLE')
    expect(await session.run('SELECT id FROM bed')).toBe('run')
  })

  it('approvers see what it is, and no literal', async () => {
    const one = made()
    const session = await one.open()
    const ticket = await session.run("UPDATE bed SET kind = 'Mrs Quux' WHERE id = 7")
    const request = await one.service.desk.get(idIn(ticket))
    expect(JSON.stringify(request?.subject)).not.toMatch(/Quux|7/)
    expect(request).toMatchObject({
      subject: {
        kind: 'operation',
        shown: {
          target: 'hospital',
          commands: ['UPDATE'],
          relations: ['read public.bed', 'update public.bed'],
          hasPreview: true,
        },
      },
      chain: [
        { issuer: 'idp', subject: 'agent-1', kind: 'agent', name: 'Agent' },
        { issuer: 'idp', subject: 'dr-who', kind: 'human' },
      ],
      purpose: 'TREAT',
      run: 'run-1',
    })
    const exact = JSON.parse((await one.service.desk.exactOf(idIn(ticket))) ?? '{}')
    expect(exact).toEqual({
      statement: "UPDATE bed SET kind = 'Mrs Quux' WHERE id = 7",
      parameters: [],
      searchPath: 'public',
      role: 'app',
    })
  })
})
