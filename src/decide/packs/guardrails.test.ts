import { describe, expect, it } from 'vitest'
import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { decide } from '../decide.ts'
import { accessOf, AGENT, ask, CLEARED, facts, grant, MASKED, policyOf, relation } from '../decide-test-support.ts'

describe('guardrails', () => {
  const drop = {
    command: 'DROP TABLE',
    effects: ['schema'],
    bounded: 'unbounded',
    relations: [relation({ action: 'schema' })],
  } as const
  const cases: readonly (readonly [string, Partial<SqlFacts>, string | undefined])[] = [
    ['a read', {}, undefined],
    ['a read of PHI', { relations: [relation({})] }, undefined],
    [
      'DELETE without WHERE',
      { command: 'DELETE', effects: ['delete'], bounded: 'unbounded' },
      'guardrails.unbounded-write',
    ],
    [
      'the same of a temporary table',
      { command: 'DELETE', effects: ['delete'], bounded: 'unbounded', onlyTemporaryObjects: true },
      undefined,
    ],
    [
      'DELETE with WHERE',
      {
        command: 'DELETE',
        effects: ['delete'],
        bounded: 'bounded',
        relations: [relation({ action: 'delete', phi: false })],
      },
      undefined,
    ],
    [
      'TRUNCATE',
      {
        command: 'TRUNCATE TABLE',
        effects: ['delete'],
        bounded: 'unbounded',
        relations: [relation({ action: 'truncate' })],
      },
      'guardrails.truncate',
    ],
    ['DROP', drop, 'guardrails.drop'],
    ['DROP of a temporary table', { ...drop, onlyTemporaryObjects: true }, undefined],
    ['GRANT', { command: 'GRANT', effects: ['privilege'] }, 'guardrails.privilege-change'],
    ['COPY to a file', { command: 'COPY TO', effects: ['read', 'server'] }, 'guardrails.server-access'],
    ['DO', { command: 'DO', effects: ['code'] }, 'guardrails.code-not-analysed'],
    [
      'LOCK',
      { command: 'LOCK TABLE', effects: ['lock'], relations: [relation({ action: 'lock' })] },
      'guardrails.lock-table',
    ],
    ['an advisory lock', { effects: ['read', 'lock'] }, undefined],
    ['CREATE TABLE', { command: 'CREATE TABLE', effects: ['schema'] }, 'guardrails.schema-change'],
    ['CREATE TEMP TABLE', { command: 'CREATE TABLE', effects: ['schema'], onlyTemporaryObjects: true }, undefined],
    [
      'INSERT of PHI',
      { command: 'INSERT', effects: ['write'], relations: [relation({ action: 'insert' })] },
      'guardrails.phi-change',
    ],
    [
      'DELETE of PHI',
      { command: 'DELETE', effects: ['delete'], bounded: 'bounded', relations: [relation({ action: 'delete' })] },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of labelled columns',
      {
        command: 'UPDATE',
        effects: ['write'],
        bounded: 'bounded',
        relations: [relation({ action: 'update', columns: ['ssn'], touchesPhi: true })],
      },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of columns not narrowed down',
      { command: 'UPDATE', effects: ['write'], bounded: 'bounded', relations: [relation({ action: 'update' })] },
      'guardrails.phi-change',
    ],
    [
      'UPDATE of other columns',
      {
        command: 'UPDATE',
        effects: ['write'],
        bounded: 'bounded',
        relations: [relation({ action: 'update', columns: ['status'], touchesPhi: false })],
      },
      undefined,
    ],
    [
      'INSERT elsewhere that reads PHI',
      {
        command: 'INSERT',
        effects: ['read', 'write'],
        relations: [relation({}), relation({ name: 'log', action: 'insert', phi: false })],
      },
      undefined,
    ],
    ['COPY TO of PHI, masked', { command: 'COPY TO', relations: [relation({})] }, undefined],
    ['COPY TO of something else', { command: 'COPY TO', relations: [relation({ phi: false })] }, undefined],
    [
      'COPY FROM elsewhere',
      { command: 'COPY FROM', effects: ['write'], relations: [relation({ action: 'insert', phi: false })] },
      undefined,
    ],
  ]

  it.each([
    ['all PHI', CLEARED],
    ['one class', accessOf(grant('g', { clearance: { default: 'masked', classes: { name: 'clear' } } }))],
  ])('holds COPY TO of PHI for those who see %s', (_, held) => {
    const decision = ask([], [facts({ command: 'COPY TO', relations: [relation({})] })], held)
    expect(decision).toMatchObject({ outcome: 'refuse', code: 'CHP-POLICY-HELD', rule: 'guardrails.bulk-export' })
  })

  it.each(cases)('%s', (_, fields, expected) => {
    const decision = ask([], [facts(fields)])
    expect(decision.outcome === 'refuse' ? decision.rule : undefined).toBe(expected)
    if (expected === undefined) return
    const held = ['schema-change', 'phi-change'].some((name) => expected === `guardrails.${name}`)
    expect(decision).toMatchObject({ code: held ? 'CHP-POLICY-HELD' : 'CHP-POLICY-REFUSED', statement: 0 })
    const name = expected.replace('guardrails.', '')
    const without = decide(policyOf([], undefined, [name]), {
      principal: AGENT,
      target: 'hospital',
      access: MASKED,
      facts: [facts(fields)],
    })
    expect(without.rules).not.toContain(expected)
  })

  it('lets DROP and TRUNCATE be allowed by themselves', () => {
    const policy = policyOf([], undefined, ['drop', 'truncate', 'schema-change'])
    for (const command of ['DROP TABLE', 'TRUNCATE TABLE']) {
      const given = [facts({ command, effects: ['schema'], bounded: 'unbounded' })]
      expect(decide(policy, { principal: AGENT, target: 'hospital', access: MASKED, facts: given }).outcome).toBe(
        'allow',
      )
    }
  })

  it('leaves PHI to those who see it', () => {
    const insert = facts({ command: 'INSERT', effects: ['write'], relations: [relation({ action: 'insert' })] })
    expect(ask([], [insert], CLEARED).outcome).toBe('allow')
  })
})
