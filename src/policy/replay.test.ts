import { describe, expect, it } from 'vitest'
import type { RuleConfig } from '../config/config.ts'
import { AGENT, APPROVERS, facts, grant, policyOf, relation, rule } from '../decide/decide-test-support.ts'
import type { Policy } from '../decide/policy.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { type ReplayedRecord, replay } from './replay.ts'

const TIME = '2026-06-15T12:00:00.000Z'
const GRANTS = [grant('g')]
const policy = (rules: readonly RuleConfig[] = [], grants = GRANTS): Policy => policyOf(rules, grants, [], APPROVERS)

/** A journal in the making. */
class Recorded {
  readonly records: ReplayedRecord[] = []

  add(kind: string, what: object, body?: object, session = 's'): this {
    const header = {
      kind,
      seq: this.records.length + 1,
      session,
      time: TIME,
      what,
      who: { policy: 'sha256:old', target: 'hospital' },
    }
    this.records.push({ header, body: body && JSON.stringify(body) })
    return this
  }

  start(access: object = { clearance: 'masked', grants: ['g'] }, more: object = {}, session = 's'): this {
    const { name: _, ...principal } = AGENT
    return this.add('session-start', {}, { access, principal: { ...principal, onBehalfOf: [], ...more } }, session)
  }

  facts(digest: string, one: SqlFacts): this {
    const { questions, relations, patients: _, onlyTemporaryObjects = false, ...rest } = one
    const statement = {
      ...rest,
      onlyTemporaryObjects,
      questions: questions.map((question) => ({ byStandIn: false, ...question })),
      relations: relations.map((use) => ({ touchesPhi: use.phi, ...use })),
    }
    return this.add('facts', { facts: digest }, { statements: [statement] })
  }

  replay(candidate: Policy) {
    const { records } = this
    return replay(
      (async function* () {
        yield* records
      })(),
      candidate,
    )
  }
}

const READ_LABS = facts({ relations: [relation({ name: 'labs', phi: false })] })
const TRUNCATE = facts({ command: 'TRUNCATE TABLE', effects: ['delete'] })
const STOP_LABS = rule('stop', 'relations.exists(r, r.name == "labs")', 'refuse')

describe('replay', () => {
  it('finds nothing where nothing changes', async () => {
    const journal = new Recorded()
      .start()
      .facts('a', READ_LABS)
      .add('intent', { facts: 'a', decision: 'allow' })
      .facts('b', TRUNCATE)
      .add('refusal', { facts: 'b', code: 'CHP-POLICY-REFUSED', rule: 'guardrails.truncate' })
      .add('refusal', { code: 'CHP-SQL-UNPARSEABLE' })
      .add('refusal', { facts: 'a', code: 'CHP-BUDGET-EXCEEDED' })
      .add('outcome', {})
    expect(await journal.replay(policy())).toEqual({
      recorded: ['sha256:old'],
      candidate: 'sha256:0',
      decisions: 2,
      unchanged: 2,
      unknown: 0,
      changed: [],
    })
  })

  it('shows every decision that would be another one, alike ones once', async () => {
    const journal = new Recorded()
      .start()
      .facts('a', READ_LABS)
      .add('intent', { facts: 'a' })
      .add('intent', { facts: 'a' })
      .facts('b', TRUNCATE)
      .add('refusal', { facts: 'b', code: 'CHP-POLICY-REFUSED', rule: 'guardrails.truncate' })
      .start({ clearance: 'masked', grants: ['g'] }, { purpose: 'TREAT' }, 't')
      .add('intent', { facts: 'a' }, undefined, 't')
    const report = await journal.replay(policyOf([STOP_LABS], GRANTS, ['truncate'], APPROVERS))
    const common = { target: 'hospital', chain: ['corp/agent-7'], clearance: undefined, dependsOnCircumstances: false }
    expect(report).toMatchObject({ decisions: 4, unchanged: 0, unknown: 0 })
    expect(report.changed).toMatchObject([
      {
        ...common,
        before: 'allow',
        after: 'refuse',
        rule: 'stop',
        relations: ['read ehr.labs'],
        count: 2,
        sequence: 3,
      },
      {
        ...common,
        before: 'refuse',
        after: 'allow',
        rule: 'guardrails.truncate',
        commands: ['TRUNCATE TABLE'],
        count: 1,
      },
      { ...common, before: 'allow', after: 'refuse', purpose: 'TREAT', count: 1 },
    ])
  })

  it('tells access that ends and clearance that changes', async () => {
    const journal = new Recorded().start().facts('a', READ_LABS).add('intent', { facts: 'a' })
    expect((await journal.replay(policy([], []))).changed).toMatchObject([{ before: 'allow', after: 'no-access' }])
    const clear = [grant('g', { clearance: { default: 'clear', classes: {} } })]
    expect((await journal.replay(policy([], clear))).changed).toMatchObject([
      { before: 'allow', after: 'allow', clearance: { before: 'masked', after: 'clear' } },
    ])
  })

  it('counts holds as holds, approved, refused or not to be had', async () => {
    const change = facts({ command: 'CREATE TABLE', effects: ['schema'] })
    const journal = new Recorded()
      .start()
      .facts('a', change)
      .add('intent', { facts: 'a', approval: 'apr-1' })
      .add('refusal', { facts: 'a', code: 'CHP-APPROVAL-REFUSED' })
      .add('refusal', { facts: 'a', code: 'CHP-POLICY-HELD' })
    expect(await journal.replay(policy())).toMatchObject({ decisions: 3, unchanged: 3 })
    expect(await journal.replay(policyOf([], GRANTS))).toMatchObject({ decisions: 3, unchanged: 3 })
    const free = await journal.replay(policyOf([], GRANTS, ['schema-change'], APPROVERS))
    expect(free.changed).toMatchObject([{ before: 'hold', after: 'allow', count: 3 }])
  })

  it('says what is not known, rather than that nothing changes', async () => {
    const question = {
      use: 'condition',
      classes: ['ssn'],
      columns: ['a.b.c'],
      released: true,
      byStandIn: true,
    } as const
    const journal = new Recorded()
      .add('intent', { facts: 'a' })
      .start()
      .add('intent', { facts: 'missing' })
      .add('intent', {})
      .facts('b', facts({ questions: [question] }))
      // The constant was no token.
      .add('refusal', { facts: 'b', code: 'CHP-MASK-PREDICATE', rule: 'masking.condition' })
      .add('facts', { facts: 'c' }, { statements: [{}] })
      .add('intent', { facts: 'c' })
    expect(await journal.replay(policy())).toMatchObject({ decisions: 5, unchanged: 0, unknown: 5, changed: [] })
  })

  it('marks what also depends on the moment', async () => {
    const wide = facts({ relations: [relation({})], phiReachable: true, reading: { bound: 'all', isPage: false } })
    const journal = new Recorded().start().facts('a', wide).add('refusal', { facts: 'a', code: 'CHP-POLICY-HELD' })
    // It was held by an estimate, and may be again.
    expect(await journal.replay(policy())).toMatchObject({ unchanged: 1 })
    const stopped = rule('stop', 'relations.exists(r, r.phi)', 'refuse')
    expect((await journal.replay(policy([stopped]))).changed).toMatchObject([
      { before: 'hold', after: 'refuse', dependsOnCircumstances: true },
    ])
  })

  it('decides about chains, and about what was given on request', async () => {
    const onRequest = { pools: ['privacy'], quorum: 1, maxDuration: 1 }
    const journal = new Recorded()
      .start(
        { clearance: 'masked', grants: ['g'] },
        { onBehalfOf: [{ issuer: 'corp', subject: 'x', kind: 'human', groups: [] }] },
      )
      .facts('a', READ_LABS)
      .add('intent', { facts: 'a' })
    expect((await journal.replay(policy())).changed).toMatchObject([
      { chain: ['corp/agent-7', 'corp/x'], after: 'no-access' },
    ])
    const alone = new Recorded().start().facts('a', READ_LABS).add('intent', { facts: 'a' })
    expect(await alone.replay(policy([], [grant('g', { onRequest })]))).toMatchObject({ unchanged: 1 })
  })
})
