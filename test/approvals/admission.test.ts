import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ruleConfig } from '../../src/config/policy-test-support.ts'
import { SqlInspector } from '../../src/inspect/sql/sql-inspector.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import type { KnownNames, Prepared } from '../../src/protocols/protocol.ts'
import { GatePass } from '../../src/session/gate-pass.ts'
import type { SessionLimits } from '../../src/session/session-limits.ts'
import { codeOf, type HeldSession, hospital, HOLD_WRITES, idIn, NO_NAMES } from './held-session-test-support.ts'

const inspector = new SqlInspector()
beforeAll(() => inspector.warm())
afterAll(() => inspector.close())

const open: ReturnType<typeof hospital>[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function made(options: Omit<Parameters<typeof hospital>[0], 'inspector'> = {}): ReturnType<typeof hospital> {
  const one = hospital({ inspector, ...options })
  open.push(one)
  return one
}

const rule = (when: string, effect: 'refuse' | 'hold' | 'warn' | 'alert', name = 'rule') =>
  ruleConfig({ name, when, effect, message: `it is ${name}` })

const BEDS = 'SELECT id FROM bed'

describe('rules that only speak', () => {
  it('warn the client each time, and do not stop it', async () => {
    const session = await made({ rules: [rule('command == "SELECT"', 'warn')] }).open()
    expect([await session.run(BEDS), await session.run(BEDS)]).toEqual(['run', 'run'])
    expect(session.notices.map(({ message }) => message)).toEqual(['it is rule (rule rule)', 'it is rule (rule rule)'])
  })

  it('alert the operator, and tell the client nothing', async () => {
    const one = made({ rules: [rule('command == "SELECT"', 'alert')] })
    const session = await one.open()
    expect(await session.run(BEDS)).toBe('run')
    expect(one.alerts).toContainEqual({ kind: 'rule-alert', rule: 'rule', message: 'it is rule' })
    expect(session.notices).toEqual([])
  })
})

describe('rules about the moment', () => {
  it('are asked each time, not once for a text', async () => {
    const one = made({ rules: [rule('recent.statements >= 2', 'refuse')] })
    const session = await one.open()
    expect([await session.run(BEDS), await session.run(BEDS)]).toEqual(['run', 'run'])
    const refused = await session.run(BEDS)
    expect(refused).toMatchObject({ code: 'CHP-POLICY-REFUSED', rule: 'rule' })
    // Of the chain, in whatever session.
    expect(codeOf(await (await one.open()).run(BEDS))).toBe('CHP-POLICY-REFUSED')
    one.pass(2 * 3_600_000)
    expect(await session.run(BEDS)).toBe('run')
  })

  it('count refusals', async () => {
    const one = made({ rules: [rule('recent.refusals >= 1', 'refuse', 'calm'), rule('command == "DELETE"', 'refuse')] })
    const session = await one.open()
    expect(await session.run(BEDS)).toBe('run')
    expect(codeOf(await session.run('DELETE FROM bed'))).toBe('CHP-POLICY-REFUSED')
    expect(await session.run(BEDS)).toMatchObject({ rule: 'calm' })
  })

  it.each([
    [5, 'run'],
    [20_000, 'CHP-POLICY-REFUSED'],
    [undefined, 'CHP-POLICY-REFUSED'],
  ] as const)('have the estimate of the planner: %s rows', async (rows, expected) => {
    const asked: string[] = []
    const estimateRows = ({ sql }: { readonly sql: string }) => {
      asked.push(sql)
      return Promise.resolve(rows)
    }
    const one = made({ rules: [rule('estimatedRows > 10000', 'refuse')], options: { estimateRows } })
    const session = await one.open()
    expect(codeOf(await session.run(BEDS))).toBe(expected)
    expect(asked).toEqual([BEDS])
  })

  it('take a planner that nobody can ask for one that says too much', async () => {
    const session = await made({ rules: [rule('estimatedRows > 10000', 'refuse')] }).open()
    expect(codeOf(await session.run(BEDS))).toBe('CHP-POLICY-REFUSED')
  })

  it('judge again what changed while the planner was asked', async () => {
    const estimateRows = () => {
      one.changePolicy([])
      return Promise.resolve(1)
    }
    const one = made({ rules: [rule('estimatedRows > 10000', 'refuse')], options: { estimateRows } })
    expect(codeOf(await (await one.open()).run(BEDS))).toBe('CHP-SESSION-TERMINATED')
  })

  it('that fail refuse', async () => {
    const one = made({ rules: [rule('recent.rows / (recent.rows - recent.rows) > 1', 'warn')] })
    expect(codeOf(await (await one.open()).run(BEDS))).toBe('CHP-POLICY-ERROR')
    expect(one.alerts).toContainEqual({ kind: 'policy-error', rule: 'rule' })
  })
})

async function named(session: HeldSession, sql: string): Promise<Prepared> {
  const verdict = await session.gate.judge(sql, NO_NAMES)
  if (verdict.kind === 'refused') throw verdict.error
  return { sql, verdict, index: 0, madeBy: 'sql' }
}

describe('what is run by a name', () => {
  it('is held when it is run, not when it is prepared', async () => {
    const one = made()
    const session = await one.open()
    const sql = "PREPARE q AS UPDATE bed SET kind = 'x' WHERE id = 1"
    expect(await session.run(sql)).toBe('run')
    const prepared = await named(session, sql)
    const names: KnownNames = { ...NO_NAMES, statement: () => prepared }
    expect(codeOf(await session.run('EXECUTE q', { names }))).toBe('CHP-APPROVAL-PENDING')
  })

  it('is bound to its text: the same name for something else is another operation', async () => {
    const one = made()
    const session = await one.open()
    const prepared = async (sql: string): Promise<KnownNames> => {
      const statement = await named(session, sql)
      return { ...NO_NAMES, statement: () => statement }
    }
    const first = await prepared("PREPARE q AS UPDATE bed SET kind = 'x' WHERE id = 1")
    const second = await prepared("PREPARE q AS UPDATE bed SET kind = 'x' WHERE id = 2")
    const ticket = await session.run('EXECUTE q', { names: first })
    const request = await one.service.desk.get(idIn(ticket))
    expect(JSON.stringify(request?.subject)).toContain('-- runs: PREPARE q AS UPDATE bed SET kind = ')
    await one.decide(idIn(ticket))
    expect(codeOf(await session.run('EXECUTE q', { names: second }))).toBe('CHP-APPROVAL-PENDING')
    expect(await session.run('EXECUTE q', { names: first })).toBe('run')
  })

  it('reads on from a cursor whose DECLARE was approved, and from no other', async () => {
    const one = made({ rules: [rule('relations.exists(r, r.name == "bed")', 'hold')] })
    const session = await one.open()
    const sql = 'DECLARE c CURSOR FOR SELECT id FROM bed'
    const ticket = await session.run(sql)
    const declared = await named(session, sql)
    const names: KnownNames = { ...NO_NAMES, cursor: () => declared }
    expect(codeOf(await session.run('FETCH 5 FROM c', { names }))).toBe('CHP-APPROVAL-PENDING')
    expect(codeOf(await session.run(sql, { continues: true }))).toBe('CHP-APPROVAL-PENDING')
    await one.decide(idIn(ticket))
    expect(await session.run(sql)).toBe('run')
    expect(await session.run('FETCH 5 FROM c', { names })).toBe('run')
    expect(await session.run(sql, { continues: true })).toBe('run')
    // Declared anew, it is asked about anew.
    expect(codeOf(await session.run(sql))).toBe('CHP-APPROVAL-PENDING')
    const other = await one.open()
    expect(codeOf(await other.run('FETCH 5 FROM c', { names: { ...NO_NAMES, cursor: () => declared } }))).toBe(
      'CHP-APPROVAL-PENDING',
    )
  })

  it('reads on from an approved cursor though there are many rows, unless a rule refuses so many', async () => {
    let rows = 20_000
    const one = made({
      rules: [rule('estimatedRows > 10000', 'hold', 'many'), rule('estimatedRows > 50000', 'refuse', 'too-many')],
      options: { estimateRows: () => Promise.resolve(rows) },
    })
    const session = await one.open()
    const sql = 'DECLARE c CURSOR FOR SELECT id FROM bed'
    const declared = await named(session, sql)
    const names: KnownNames = { ...NO_NAMES, cursor: () => declared }
    const ticket = await session.run(sql)
    expect(codeOf(ticket)).toBe('CHP-APPROVAL-PENDING')
    expect(codeOf(await session.run('FETCH 5 FROM c', { names }))).toBe('CHP-APPROVAL-PENDING')
    await one.decide(idIn(ticket))
    expect(await session.run(sql)).toBe('run')
    const asked = one.pending().length
    expect(await session.run('FETCH 5 FROM c', { names })).toBe('run')
    expect(await session.run(sql, { continues: true })).toBe('run')
    expect(one.pending()).toHaveLength(asked)
    // What is no cursor of an approved statement is held by the same rule.
    expect(codeOf(await session.run(BEDS))).toBe('CHP-APPROVAL-PENDING')
    rows = 60_000
    expect(await session.run('FETCH 5 FROM c', { names })).toMatchObject({
      code: 'CHP-POLICY-REFUSED',
      rule: 'too-many',
    })
  })
})

const limits = (more: Partial<SessionLimits>): SessionLimits => ({
  scope: () => undefined,
  begin: () => undefined,
  started: () => undefined,
  meter: () => undefined,
  evidence: () => undefined,
  end: () => undefined,
  ...more,
})

describe('limits', () => {
  it('are asked about patients before people are asked', async () => {
    const one = made({ options: { limits: () => limits({ scope: () => new ChaperoneError('CHP-PATIENT-SCOPE') }) } })
    const session = await one.open()
    expect(codeOf(await session.run("UPDATE bed SET kind = 'x'"))).toBe('CHP-PATIENT-SCOPE')
    expect(one.pending()).toEqual([])
    // What a cursor gives was looked at when it was declared.
    expect(codeOf(await session.admit(BEDS, { continues: true }))).toBe('run')
  })

  it('are asked about budgets last, and whatever they throw refuses', async () => {
    const begun: number[] = []
    const begin = (statements: number) => {
      begun.push(statements)
      return Promise.resolve(new ChaperoneError('CHP-BUDGET-EXCEEDED'))
    }
    const one = made({ options: { limits: () => limits({ begin }) } })
    const session = await one.open()
    expect(codeOf(await session.run(BEDS))).toBe('CHP-BUDGET-EXCEEDED')
    expect(codeOf(await session.run("UPDATE bed SET kind = 'x'"))).toBe('CHP-APPROVAL-PENDING')
    expect(begun).toEqual([1])
    const failing = made({ options: { limits: () => limits({ begin: () => Promise.reject(new Error('x')) }) } })
    expect(codeOf(await (await failing.open()).run(BEDS))).toBe('CHP-INTERNAL')
    const throwing = made({
      options: {
        limits: () =>
          limits({
            scope: () => {
              throw new Error('x')
            },
          }),
      },
    })
    expect(codeOf(await (await throwing.open()).run(BEDS))).toBe('CHP-INTERNAL')
  })
})

describe('leave to begin', () => {
  it('is used once, and cannot be made elsewhere', async () => {
    const one = made()
    const session = await one.open()
    const leave = await session.admit(BEDS)
    if (leave instanceof ChaperoneError) throw leave
    const request = { via: 'simple', sql: BEDS } as const
    session.gate.request(leave, request)
    expect(() => session.gate.request(leave, request)).toThrow(ChaperoneError)
    expect(() => session.gate.request({ verdict: leave.verdict }, request)).toThrow(ChaperoneError)
    // Of another session.
    const other = await one.open()
    const foreign = await other.admit(BEDS)
    if (!(foreign instanceof GatePass)) throw new Error('no pass')
    expect(() =>
      session.gate.request(new GatePass({ ...foreign.execution, verdict: { ...foreign.verdict } }), request),
    ).toThrow(ChaperoneError)
  })

  it('is refused where approvals are not there, though a rule holds', async () => {
    const one = made({ rules: [HOLD_WRITES], options: { approvals: undefined } })
    expect(codeOf(await (await one.open()).run("UPDATE bed SET kind = 'x'"))).toBe('CHP-POLICY-HELD')
  })
})

describe('what the alarms are told', () => {
  it('has no values: who began, what was used first, what was refused', async () => {
    const one = made({ rules: [rule('command == "DELETE"', 'refuse')] })
    const session = await one.open()
    await session.run(BEDS)
    await session.run(BEDS)
    await session.run("DELETE FROM bed WHERE kind = 'Quuxalot'")
    expect(one.alerts).toEqual([
      { kind: 'session-started' },
      { kind: 'relations-used', relations: ['public.bed'] },
      { kind: 'refusal', code: 'CHP-POLICY-REFUSED', rule: 'rule' },
    ])
  })
})
