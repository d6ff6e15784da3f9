import { describe, expect, it, vi } from 'vitest'
import type { Catalog } from '../inspect/sql/catalog.ts'
import type { CatalogUse, ConstantSite, SqlFacts } from '../inspect/sql/facts.ts'
import type { Inspection } from '../inspect/sql/inspector.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { compileLabels } from '../phi/labels.ts'
import type { AllowedVerdict, Execution, KnownNames, Verdict } from '../protocols/protocol.ts'
import { fragment } from '../record/canonical.ts'
import type { Admission } from './admission.ts'
import { Alerts } from './alerts.ts'
import { type GateOptions, SessionGate } from './gate.ts'
import { RecentUse } from './recent-use.ts'
import type { SessionRecorder } from './session-recorder.ts'
import { SessionSettings } from './session-settings.ts'
import { TargetState } from './target-state.ts'
import type { Verdicts } from './verdicts.ts'

const TABLE = 20_001
const NO_NAMES: KnownNames = { statement: () => undefined, cursor: () => undefined }

const catalogOf = (epoch: string, version: string): Catalog => ({
  epoch,
  serverMajor: 18,
  relations: [
    {
      oid: TABLE,
      schema: 'public',
      name: 'people',
      kind: 'r',
      columns: [],
      dependsOn: [],
      callsUserFunctions: false,
      parents: [],
      version,
    },
  ],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
})

const factsOf = (command: string, use: Partial<CatalogUse> = {}, more: Partial<SqlFacts> = {}): SqlFacts => ({
  command,
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: true,
  questions: [],
  catalogUse: { relations: [], names: [], functions: [], operators: [], ...use },
  session: { kind: 'none' },
  ...more,
})

interface Settings {
  readonly clearsEverything?: boolean
  readonly catalogCheck?: 'strict' | 'bounded'
  /** Comes later than asked for. */
  readonly late?: boolean
  /** A statement in front, in the same text. */
  readonly first?: SqlFacts
}

const verdictOf = (inspection: Inspection): Verdict =>
  inspection.ok && inspection.statements.every(({ command }) => command !== 'REFUSED')
    ? { kind: 'allowed', facts: inspection.statements, effectful: false }
    : { kind: 'refused', facts: [], error: new ChaperoneError('CHP-POLICY-REFUSED'), position: undefined }

/** A gate for statements with the given facts, and a target whose catalog the test changes. */
async function setUp(
  facts: SqlFacts,
  { clearsEverything = false, catalogCheck = 'strict', late = false, first }: Settings = {},
) {
  let catalog = catalogOf('1', '100')
  let loads = 0
  let inspection: Inspection = { ok: true, statements: first === undefined ? [facts] : [first, facts], redacted: '' }
  const waiting: (() => void)[] = []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the methods that are called
  const inspector = {
    setCatalog: () => {
      // What was analysed against another catalog is not used again.
      if (inspection.ok) inspection = { ...inspection }
    },
    inspect: () => {
      if (!late) return inspection
      const found = inspection
      return new Promise<Inspection>((resolve) => waiting.push(() => resolve(found)))
    },
  } as unknown as SqlInspector
  const target = new TargetState({
    target: 'hospital',
    labels: compileLabels([]),
    unlabelledColumns: 'mask',
    trustedFunctions: [],
    patientKeys: [],
    catalogCheck,
    clock: () => 0,
    inspector,
    load: () => {
      loads++
      return Promise.resolve(catalog)
    },
  })
  await target.refresh()
  const verdicts = new WeakMap<Inspection, Verdict>()
  const options: GateOptions = {
    watch: {
      review: () => undefined,
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
      verdicts: {
        of: (one: Inspection) => {
          const known = verdicts.get(one) ?? verdictOf(one)
          verdicts.set(one, known)
          return { verdict: known, what: fragment({}), body: '{}', redacted: '' }
        },
      } as unknown as Verdicts,
    },
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
    admission: { concerns: () => false } as unknown as Admission,
    limits: undefined,
    recent: new RecentUse(() => 0),
    settings: new SessionSettings('s'),
    raise: () => undefined,
    clearsEverything,
    clears: () => clearsEverything,
    minimumGroupSize: undefined,
    target,
    inspector,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the methods that are called
    recorder: { opened: () => undefined, intent: () => 1 } as unknown as SessionRecorder,
    clock: () => 0,
    constants: {
      scope: undefined,
      policyOf: () => (clearsEverything ? 'cleared' : 'stand-ins-only'),
      alerts: new Alerts({ record: () => undefined, holdBack: () => undefined, onAlert: () => undefined }, () => 0),
    },
    standIns: { scope: undefined, detector: undefined, clock: () => 0 },
    onPolicyError: () => undefined,
  }
  const gate = new SessionGate(options)
  gate.opened({
    backendPid: 1,
    serverVersion: '18',
    searchPath: ['public'],
    searchPathSetting: 'public',
    role: 'app',
    settings: 'a',
  })
  const judge = async (): Promise<AllowedVerdict> => {
    const verdict = await gate.judge('text', NO_NAMES)
    if (verdict.kind === 'refused') throw verdict.error
    return verdict
  }
  return {
    gate,
    waiting,
    target,
    /** Of another session, which begins now. */
    another: (): SessionGate => new SessionGate(options),
    loads: () => loads,
    /** What is sent next. */
    next: (statement: SqlFacts): void => {
      inspection = { ok: true, statements: [statement], redacted: '' }
    },
    judge,
    run: async (): Promise<void> => {
      const verdict = await judge()
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is asked of it
      const leave = await gate.admit({ verdict, attempt: 0, inTransaction: () => false } as unknown as Execution)
      if (leave === 'renew' || leave instanceof ChaperoneError) throw new Error('not admitted')
      gate.request(leave, { via: 'simple', sql: 'text' })
    },
    /** Somebody changes the catalog, and it is read again. */
    change: async (version: string): Promise<void> => {
      catalog = catalogOf(version, version)
      await target.refresh()
    },
  }
}

const SELECT = factsOf('SELECT', { relations: [TABLE] })

describe('what the target is to be asked', () => {
  it('goes by the snapshot that the verdict was given with', async () => {
    const { gate, judge, change } = await setUp(SELECT)
    const verdict = await judge()
    expect(gate.check(verdict)).toMatchObject({ relations: [TABLE], version: '100', role: 'app' })
    expect(gate.check(verdict)).toBe(gate.check(verdict))
    await change('200')
    expect(gate.check(verdict)).toMatchObject({ version: '100' })
    expect(gate.check(await judge())).toMatchObject({ version: '200' })
  })

  it.each<readonly [string, Settings, SqlFacts]>([
    ['sessions without masking', { clearsEverything: true }, SELECT],
    ['targets that do without', { catalogCheck: 'bounded' }, SELECT],
    ['statements that use nothing', {}, factsOf('SELECT')],
    ['statements that run nothing', {}, factsOf('PREPARE', { relations: [TABLE] })],
  ])('is nothing for %s', async (_, settings, facts) => {
    const { gate, judge } = await setUp(facts, settings)
    expect(gate.check(await judge())).toBeUndefined()
  })

  it('is asked of what SQL has prepared when a message runs it', async () => {
    const { gate, judge } = await setUp(factsOf('PREPARE', { relations: [TABLE] }))
    const verdict = await judge()
    expect(gate.checkExecuted(verdict, verdict.facts[0])).toMatchObject({ relations: [TABLE], version: '100' })
  })

  it('cannot be asked of what runs behind the end of a transaction', async () => {
    const commit: SqlFacts = { ...factsOf('COMMIT'), session: { kind: 'commit' } }
    const { gate, judge } = await setUp(SELECT, { first: commit })
    expect(gate.check(await judge())).toMatchObject({ code: 'CHP-PROTOCOL-UNSUPPORTED', hint: expect.any(String) })
  })

  it.each<Settings>([{}, { catalogCheck: 'bounded' }])(
    'cannot be asked of names that the text itself changes',
    async (settings) => {
      const create: SqlFacts = { ...factsOf('CREATE VIEW'), effects: ['schema'] }
      const { catalogUse } = SELECT
      const named: SqlFacts = { ...SELECT, catalogUse: { ...catalogUse, names: [{ name: 'people', oid: TABLE }] } }
      const { gate, judge } = await setUp(named, { ...settings, first: create })
      expect(gate.check(await judge())).toMatchObject({ code: 'CHP-PROTOCOL-UNSUPPORTED' })
    },
  )

  it('is not paired with an analysis of another catalog', async () => {
    const { gate, judge, change, waiting } = await setUp(SELECT, { late: true })
    const judged = judge()
    await change('200')
    waiting.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
    // The first analysis is thrown away; the second is of the catalog that is in force.
    waiting.shift()?.()
    expect(gate.check(await judged)).toMatchObject({ version: '200' })
  })

  it('is asked of verdicts that this gate gave only', async () => {
    const { gate, judge } = await setUp(SELECT)
    const forged = { ...(await judge()) }
    expect(() => gate.check(forged)).toThrow(ChaperoneError)
  })
})

describe('a verdict on what the target has resolved already', () => {
  it('stands as long as the snapshot does', async () => {
    const { gate, judge } = await setUp(SELECT)
    const verdict = await judge()
    expect(gate.renew('text', verdict, NO_NAMES)).toBe(verdict)
  })

  it('is given again when what the statement uses is the same', async () => {
    const { gate, judge, change } = await setUp(SELECT)
    const verdict = await judge()
    await change('100')
    expect(await gate.renew('text', verdict, NO_NAMES)).toMatchObject({ kind: 'allowed' })
  })

  it.each(['SELECT', 'PREPARE', 'DECLARE CURSOR'])('is a refusal for %s when it has changed', async (command) => {
    const { gate, judge, change } = await setUp(factsOf(command, { relations: [TABLE] }))
    const verdict = await judge()
    await change('200')
    const renewed = await gate.renew('text', verdict, NO_NAMES)
    expect(renewed.kind === 'refused' && renewed.error.code).toBe('CHP-SQL-UNKNOWN-NAME')
  })

  it('is never refused for that without masking', async () => {
    const { gate, judge, change } = await setUp(SELECT, { clearsEverything: true })
    const verdict = await judge()
    await change('200')
    expect(await gate.renew('text', verdict, NO_NAMES)).toMatchObject({ kind: 'allowed' })
  })
})

describe('after a change of schema by the session itself', () => {
  const changed = { schema: 'public', name: 'people', oid: TABLE, action: 'schema', columns: '*', phi: false } as const
  const ALTER = factsOf('ALTER TABLE', {}, { effects: ['schema'], relations: [changed] })
  const OTHER = factsOf('SELECT', {}, { relations: [] })

  async function altered(settings: Settings) {
    const session = await setUp(ALTER, settings)
    await session.run()
    session.gate.schemaChanged(false)
    session.gate.schemaChanged(true)
    return session
  }

  it.each<readonly [string, Settings, SqlFacts, number]>([
    ['every statement waits for a new reading in a masked session', {}, OTHER, 2],
    ['no statement waits that it does not concern, where nothing is masked', { clearsEverything: true }, OTHER, 1],
    ['one waits that names what was changed', { clearsEverything: true }, SELECT, 2],
    ['one waits that was refused', { clearsEverything: true }, factsOf('REFUSED'), 2],
  ])('%s', async (_, settings, statement, loads) => {
    const session = await altered(settings)
    session.next(statement)
    await session.gate.judge('text', NO_NAMES)
    expect(session.loads()).toBe(loads)
    // When it has been read, nobody waits any more.
    await session.target.refresh()
    await session.gate.judge('text', NO_NAMES)
    expect(session.loads()).toBe(loads + 1)
  })

  it('a prepared statement that it concerns is judged again', async () => {
    const session = await setUp(SELECT, { clearsEverything: true })
    const verdict = await session.judge()
    session.next(ALTER)
    await session.run()
    session.gate.schemaChanged(true)
    session.next(SELECT)
    expect(await session.gate.renew('text', verdict, NO_NAMES)).not.toBe(verdict)
    expect(session.loads()).toBe(2)
  })

  it('what is not committed yet is not forgotten when the catalog is read meanwhile', async () => {
    const session = await setUp(ALTER, { clearsEverything: true })
    await session.run()
    session.gate.schemaChanged(false)
    session.next(SELECT)
    await session.judge()
    expect(session.loads()).toBe(2)
    session.gate.schemaChanged(true)
    await session.judge()
    expect(session.loads()).toBe(3)
  })

  it('a session that begins does not go by an older reading', async () => {
    const session = await altered({ clearsEverything: true })
    const another = session.another()
    session.next(SELECT)
    await another.judge('text', NO_NAMES)
    expect(session.loads()).toBe(2)
  })

  it('the catalog is read in the background, once for all', async () => {
    vi.useFakeTimers()
    try {
      const session = await altered({ clearsEverything: true })
      expect(session.loads()).toBe(1)
      await vi.advanceTimersByTimeAsync(1000)
      expect(session.loads()).toBe(2)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a cursor that the gateway does not know', () => {
  const FETCH = factsOf('FETCH', {}, { session: { kind: 'fetch', name: 'c' } })

  it('is left to the server where nothing is masked, as code that is not known', async () => {
    const { judge } = await setUp(FETCH, { clearsEverything: true })
    expect((await judge()).facts).toMatchObject([{ command: 'FETCH', effects: ['code', 'read'] }])
  })

  it.each<readonly [string, Settings, SqlFacts]>([
    ['in a masked session', {}, FETCH],
    [
      'when it is a statement, which could do anything',
      { clearsEverything: true },
      factsOf('EXECUTE', {}, { session: { kind: 'execute', name: 'c' } }),
    ],
  ])('is refused %s', async (_, settings, statement) => {
    const { judge } = await setUp(statement, settings)
    await expect(judge()).rejects.toMatchObject({ code: 'CHP-SQL-UNKNOWN-NAME' })
  })
})

describe('the plan of a COPY', () => {
  const copy = { format: 'text', delimiter: '\t', null: '\\N', header: false, quote: '"', escape: '"' } as const
  const masked = { kind: 'phi', classes: ['name'], shape: { kind: 'whole', classes: ['name'] } } as const

  it('masks what the analysis says', async () => {
    const { gate, judge } = await setUp(SELECT)
    const plan = gate.copyPlan(await judge(), factsOf('COPY TO', {}, { copy, outputs: [{ kind: 'clean' }, masked] }), 2)
    if (plan === 'pass' || plan instanceof ChaperoneError) throw new Error('there is no plan')
    const row = Buffer.from('1\tAda\n')
    expect(plan.start().row(row, 0, row.length)?.toString()).not.toContain('Ada')
    expect(() => plan.start().row(Buffer.from('1\n'), 0, 2)).toThrow(/target/)
  })

  it.each<readonly [string, Partial<SqlFacts>, number]>([
    ['more columns than foretold', { copy, outputs: [masked] }, 2],
    ['columns that are not known', { copy, outputs: 'unknown' }, 1],
    ['a format that is not known', { outputs: [masked] }, 1],
    ['binary rows', { copy: { ...copy, format: 'binary' }, outputs: [masked] }, 1],
  ])('refuses %s', async (_, more, columns) => {
    const { gate, judge } = await setUp(SELECT)
    expect(gate.copyPlan(await judge(), factsOf('COPY TO', {}, more), columns)).toBeInstanceOf(ChaperoneError)
  })

  it('is none where nothing is PHI, or everything may be seen', async () => {
    const clean = factsOf('COPY TO', {}, { phiReachable: false, outputs: 'unknown' })
    const agent = await setUp(SELECT)
    expect(agent.gate.copyPlan(await agent.judge(), clean, 3)).toBe('pass')
    const { gate, judge } = await setUp(SELECT, { clearsEverything: true })
    expect(gate.copyPlan(await judge(), undefined, 3)).toBe('pass')
  })
})

describe('constants of a statement', () => {
  const column = { kind: 'column', oid: TABLE, attnum: 1, typeOid: 25, path: [] } as const
  const site = (at: ConstantSite['at']): ConstantSite => ({
    at,
    use: 'comparison',
    column,
    class: 'name',
    elements: false,
  })
  const literal = site({ kind: 'literal', ordinal: 0, negative: false })
  const parameter = site({ kind: 'parameter', number: 1 })
  const bound = { typeOid: 25, format: 0, value: Buffer.from('Ann') }
  const copyIn = {
    format: 'text',
    delimiter: '\t',
    null: '\\N',
    header: false,
    quote: '"',
    escape: '"',
    columns: [column],
    classes: ['name'],
    takesStandIns: [true],
  } as const

  it('are judged by what the verdict was given with', async () => {
    const facts = factsOf('COPY FROM', {}, { sites: [literal, parameter], copyIn })
    const { gate, judge, change } = await setUp(facts)
    const verdict = await judge()
    const refused = { code: 'CHP-MASK-PREDICATE' }
    await change('200')
    expect(gate.resolveText(verdict, "SELECT 'Ann'")).toMatchObject(refused)
    expect(gate.resolveParameters(verdict.facts[0], [bound])).toMatchObject(refused)
    const rows = gate.copyIn(verdict.facts[0])
    if (rows === undefined || rows instanceof ChaperoneError) throw new Error('there are no rows')
    expect(await rows.feed(Buffer.from('[redacted]\n'))).toMatchObject({ code: 'CHP-MASK-WRITE-BACK' })
  })

  it('are left alone without masking, and where there are no sites', async () => {
    const cleared = await setUp(factsOf('COPY FROM', {}, { sites: [literal], copyIn }), { clearsEverything: true })
    const verdict = await cleared.judge()
    expect(cleared.gate.resolveText(verdict, "SELECT 'Ann'")).toBe('as-is')
    expect(cleared.gate.resolveParameters(verdict.facts[0], [bound])).toBe('as-is')
    expect(cleared.gate.copyIn(verdict.facts[0])).toBeUndefined()
    const { gate, judge } = await setUp(SELECT)
    expect(gate.resolveText(await judge(), "SELECT 'Ann'")).toBe('as-is')
    expect(gate.resolveParameters(SELECT, [bound])).toBe('as-is')
    expect(gate.copyIn(SELECT)).toMatchObject({ code: 'CHP-MASK-UNPROVEN' })
  })

  it('of a statement that was judged elsewhere are an error', async () => {
    const { gate } = await setUp(SELECT)
    const facts = factsOf('COPY FROM', {}, { sites: [parameter], copyIn })
    expect(gate.resolveParameters(facts, [bound])).toMatchObject({ code: 'CHP-INTERNAL' })
    expect(gate.copyIn(facts)).toMatchObject({ code: 'CHP-INTERNAL' })
  })
})
