import { array, assert, constantFrom, oneof, property, record, string, jsonValue } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IdentityRejected } from '../identity-rejected.ts'
import { chainOf, memberKey } from '../principal.ts'
import { mayActOf } from './actors.ts'
import { principalOf } from './claims.ts'
import type { IssuerSettings } from './issuer-settings.ts'

const names = new Map([
  ['https://main.example', 'main'],
  ['https://agents.example', 'agents'],
  ['https://unlisted.example', 'unlisted'],
])
const settings: IssuerSettings = {
  name: 'main',
  issuer: 'https://main.example',
  audiences: ['chaperone'],
  algorithms: ['ES256'],
  clockSkewSeconds: 30,
  maxLifetimeSeconds: 3600,
  claims: { subject: 'sub', groups: 'groups', name: 'name', kind: { fixed: 'human' } },
  actors: { issuers: ['main', 'agents'], kind: { main: 'service', agents: 'agent' } },
  allowInsecureLoopback: false,
  jwksCacheSeconds: 600,
  jwksCooldownSeconds: 30,
}
const person = { sub: 'dr a', groups: ['doctors'], name: 'Dr A' }
const executor = { iss: 'https://agents.example', sub: 'executor' }
const planner = { iss: 'https://agents.example', sub: 'planner' }

function outcome(claims: Record<string, unknown>, change: Partial<IssuerSettings> = {}): string {
  try {
    return chainOf(principalOf(claims, { ...settings, ...change }, names))
      .map((member) => `${memberKey(member)} (${member.kind})`)
      .join(' for ')
  } catch (error) {
    if (error instanceof IdentityRejected) return error.reason
    throw error
  }
}

describe('an act claim', () => {
  it('makes the outermost actor the principal, and the subject the origin', () => {
    const principal = principalOf({ ...person, act: { ...executor, act: planner } }, settings, names)
    expect(principal).toEqual({
      issuer: 'agents',
      subject: 'executor',
      kind: 'agent',
      groups: [],
      name: undefined,
      onBehalfOf: [
        { issuer: 'agents', subject: 'planner', kind: 'agent', groups: [] },
        { issuer: 'main', subject: 'dr a', kind: 'human', groups: ['doctors'] },
      ],
    })
  })

  it.each([
    ['without iss: of the same issuer', { sub: 'job' }, 'main/job (service) for main/dr a (human)'],
    [
      'with further claims',
      { ...executor, exp: 1, groups: ['admins'] },
      'agents/executor (agent) for main/dr a (human)',
    ],
    ['of an issuer that is not listed', { iss: 'https://unlisted.example', sub: 'x' }, 'actor-refused'],
    ['of an issuer that nobody knows', { iss: 'https://evil.example', sub: 'x' }, 'actor-refused'],
    ['with an issuer by its short name', { iss: 'agents', sub: 'x' }, 'actor-refused'],
    ['with an issuer that is no text', { iss: null, sub: 'x' }, 'actor-refused'],
    ['without a subject', { iss: 'https://agents.example' }, 'actor-refused'],
    ['with an empty subject', { sub: '' }, 'actor-refused'],
    ['with a subject that deceives', { sub: 'a\nb' }, 'actor-refused'],
    ['that is a text', 'executor', 'actor-refused'],
    ['that is null', null, 'actor-refused'],
    ['that is a list', [executor], 'actor-refused'],
    [
      'with an actor before it that is wrong',
      { ...executor, act: { iss: 'https://evil.example', sub: 'x' } },
      'actor-refused',
    ],
    ['with an actor before it that is null', { ...executor, act: null }, 'actor-refused'],
  ])('%s', (_, act, expected) => expect(outcome({ ...person, act })).toBe(expected))

  it('is refused where nobody has said how actors are taken, or what they are', () => {
    expect(outcome({ ...person, act: executor }, { actors: undefined })).toBe('actor-refused')
    for (const kind of [{}, { main: 'agent' as const }]) {
      expect(outcome({ ...person, act: executor }, { actors: { issuers: ['agents'], kind } })).toBe('actor-refused')
    }
    expect(
      outcome({ ...person, act: { sub: 'x' } }, { actors: { issuers: ['agents'], kind: { main: 'agent' } } }),
    ).toBe('actor-refused')
  })

  it('is followed to a depth of eight', () => {
    const nested = (depth: number): object => (depth === 1 ? executor : { ...executor, act: nested(depth - 1) })
    expect(outcome({ ...person, act: nested(8) })).toContain('dr a')
    expect(outcome({ ...person, act: nested(9) })).toBe('actor-refused')
  })

  it('gives the whole chain or nothing, whatever is nested', () => {
    const step = record({
      iss: constantFrom('https://main.example', 'https://agents.example', 'https://evil.example'),
      sub: oneof(string(), jsonValue()),
    })
    assert(
      property(array(step, { maxLength: 10 }), (steps) => {
        const act = steps.reduceRight<object | undefined>(
          (inner, one) => (inner ? { ...one, act: inner } : one),
          undefined,
        )
        const told = outcome({ ...person, ...(act && { act }) })
        if (told === 'actor-refused') return
        expect(steps.every(({ iss }) => iss !== 'https://evil.example')).toBe(true)
        const keys = steps.map(({ iss, sub }) => `${names.get(iss)}/${JSON.stringify(sub)}`)
        const parsed = chainOf(principalOf({ ...person, ...(act && { act }) }, settings, names))
        const read = parsed.map(({ issuer, subject }) => `${issuer}/${JSON.stringify(subject)}`)
        expect(read).toEqual([...keys, 'main/"dr a"'])
      }),
    )
  })
})

describe('may_act', () => {
  it.each([
    [{}, undefined],
    [{ may_act: executor }, 'agents/executor'],
    [{ may_act: { sub: 'job' } }, 'main/job'],
    [{ may_act: { ...executor, client_id: 'c' } }, null],
    [{ may_act: { iss: 'https://evil.example', sub: 'x' } }, null],
    [{ may_act: { sub: 7 } }, null],
    [{ may_act: 'executor' }, null],
    [{ may_act: [executor] }, null],
    [{ may_act: null }, null],
  ])('%j names %j', (claims, expected) => expect(mayActOf(claims, settings.issuer, names)).toBe(expected))
})
