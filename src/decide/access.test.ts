import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GrantConfig, PrincipalMatch } from '../config/config.ts'
import { PHI_CLASSES } from '../phi/classes.ts'
import { chainKey, type Principal } from '../identity/principal.ts'
import { access, mayReach, requestable } from './access.ts'
import type { Access, ActivatedGrant } from './decision.ts'
import { accessOf, AGENT, grant, match, NOON, policyOf } from './decide-test-support.ts'
import { grantDigest } from './grant-digest.ts'

const openedBy = (
  grants: readonly GrantConfig[],
  principal: Principal = AGENT,
  now = NOON,
  activated: readonly ActivatedGrant[] = [],
): Access | undefined => access(policyOf([], grants), principal, 'hospital', { now, activated })

const key = (clearance: GrantConfig['clearance']) => accessOf(grant('g', { clearance })).clearance.key

describe('access', () => {
  it('names who shares tokens by the scopes of the grants, each once, in any order', () => {
    const grants = [grant('b', { tokenScope: 'care' }), grant('c'), grant('a', { tokenScope: 'care' })]
    for (const one of [grants, grants.toReversed()]) {
      expect(openedBy(one)?.tokenGroup).toBe('c+care')
    }
    expect(openedBy([grant('g')])?.tokenGroup).toBe('g')
  })

  it('is refused without a grant, for another target and to an empty pattern', () => {
    expect(openedBy([])).toBeUndefined()
    expect(access(policyOf([]), AGENT, 'elsewhere', { now: NOON, activated: [] })).toBeUndefined()
    expect(openedBy([grant('g', { principals: [match({})] })])).toBeUndefined()
    expect(openedBy([grant('g', { principals: [match({ issuer: 'corp' })] })])).toBeUndefined()
  })

  it.each<readonly [Partial<PrincipalMatch>, boolean]>([
    [{ subject: 'agent-7' }, true],
    [{ subject: 'agent-8' }, false],
    [{ group: 'ehr' }, true],
    [{ group: 'eh' }, false],
    [{ kind: 'human' }, false],
    [{ issuer: 'corp', kind: 'agent' }, true],
    [{ issuer: 'other', kind: 'agent' }, false],
    [{ claim: { dept: 'icu' } }, true],
    [{ claim: { dept: 'er' } }, false],
    [{ claim: { units: 'b' } }, true],
    [{ claim: { units: 'c' } }, false],
    [{ claim: { dept: 'icu', other: 'x' } }, false],
    [{ claim: { constructor: 'x' } }, false],
    [{ subject: 'agent-7', group: 'other' }, false],
  ])('%j gives access: %s', (fields, expected) => {
    const grants = [grant('g', { principals: [match({ subject: 'nobody' }), match(fields)] })]
    expect(openedBy(grants) !== undefined).toBe(expected)
  })

  it('names the grants, sorted', () => {
    expect(accessOf(grant('b'), grant('a'), grant('c', { targets: ['x'] })).grants).toEqual(['a', 'b'])
  })

  it('is the most permissive of all grants for each class, whatever their order', () => {
    const level = fc.constantFrom('masked' as const, 'clear' as const)
    const clearance = fc.record({
      default: level,
      classes: fc.dictionary(fc.constantFrom(...PHI_CLASSES), level, { noNullPrototype: true }),
    })
    fc.assert(
      fc.property(fc.array(clearance, { minLength: 1, maxLength: 4 }), (clearances) => {
        const grants = clearances.map((one, index) => grant(`g${index}`, { clearance: one }))
        const { clearance: combined } = accessOf(...grants)
        const expected = (name: string) => clearances.some((one) => (one.classes[name] ?? one.default) === 'clear')
        for (const name of [...PHI_CLASSES, 'not-a-class']) expect(combined.clears(name)).toBe(expected(name))
        expect(combined.clearsEverything).toBe([...PHI_CLASSES, 'not-a-class'].every(expected))
        expect(accessOf(...grants.toReversed()).clearance.key).toBe(combined.key)
      }),
    )
  })

  it('gives different keys to different clearances', () => {
    expect(key({ default: 'masked', classes: {} })).toBe('masked')
    expect(key({ default: 'masked', classes: { zip: 'clear', ssn: 'clear', name: 'masked' } })).toBe('masked+ssn+zip')
    expect(key({ default: 'clear', classes: { ssn: 'masked' } })).toBe('clear-ssn')
  })
})

const CLINICIAN = { issuer: 'corp', subject: 'dr-who', kind: 'human', groups: ['physicians'] } as const
const PLANNER = { issuer: 'corp', subject: 'planner', kind: 'agent', groups: [] } as const
const FOR_CLINICIAN: Principal = { ...AGENT, onBehalfOf: [CLINICIAN] }
const FOR_BOTH: Principal = { ...AGENT, onBehalfOf: [PLANNER, CLINICIAN] }

const AGENTS = grant('agents', { clearance: { default: 'clear', classes: {} } })
const PHYSICIANS = grant('physicians', {
  use: 'delegation',
  principals: [match({ group: 'physicians' })],
  clearance: { default: 'masked', classes: { name: 'clear' } },
})

describe('access of chains', () => {
  it('is what every member has, and what the strictest gives', () => {
    expect(openedBy([AGENTS], FOR_CLINICIAN)).toBeUndefined()
    expect(openedBy([PHYSICIANS], FOR_CLINICIAN)).toBeUndefined()
    const both = openedBy([AGENTS, PHYSICIANS], FOR_CLINICIAN)
    expect(both?.clearance.key).toBe('masked+name')
    expect(both?.grants).toEqual(['agents'])
    expect(openedBy([AGENTS, PHYSICIANS], FOR_BOTH)?.clearance.key).toBe('masked+name')
  })

  it('is not given by a ceiling to its own member', () => {
    expect(openedBy([PHYSICIANS], { ...CLINICIAN, name: undefined })).toBeUndefined()
    const ceiling = { ...AGENTS, use: 'delegation' } as const
    expect(openedBy([ceiling, PHYSICIANS], FOR_CLINICIAN)).toBeUndefined()
  })

  it('lets a member that has access delegate it', () => {
    const own = { ...PHYSICIANS, use: 'access' } as const
    expect(openedBy([AGENTS, own], FOR_CLINICIAN)?.clearance.key).toBe('masked+name')
  })

  it.each<readonly [string, Partial<GrantConfig>, principal: Principal, boolean]>([
    ['for nobody, alone', { chain: { kind: 'none' } }, AGENT, true],
    ['for nobody, in a chain', { chain: { kind: 'none' } }, FOR_CLINICIAN, false],
    ['for anybody, alone', { chain: { kind: 'onBehalfOf', origin: [], maxLength: undefined } }, AGENT, false],
    ['for anybody', { chain: { kind: 'onBehalfOf', origin: [], maxLength: undefined } }, FOR_CLINICIAN, true],
    [
      'for physicians',
      { chain: { kind: 'onBehalfOf', origin: [match({ group: 'physicians' })], maxLength: undefined } },
      FOR_BOTH,
      true,
    ],
    [
      'for others',
      { chain: { kind: 'onBehalfOf', origin: [match({ subject: 'planner' })], maxLength: undefined } },
      FOR_BOTH,
      false,
    ],
    ['for two', { chain: { kind: 'onBehalfOf', origin: [], maxLength: 2 } }, FOR_CLINICIAN, true],
    ['for two, with three', { chain: { kind: 'onBehalfOf', origin: [], maxLength: 2 } }, FOR_BOTH, false],
  ])('a grant %s', (_, fields, principal, expected) => {
    const planner = grant('planner', { principals: [match({ subject: 'planner' })], use: 'delegation' })
    const agents = { ...AGENTS, principals: [match({ subject: 'agent-7' })], ...fields }
    expect(openedBy([agents, planner, PHYSICIANS], principal) !== undefined).toBe(expected)
  })

  it('takes a grant for those who act for nobody for no ceiling', () => {
    const own = { ...PHYSICIANS, use: 'access', chain: { kind: 'none' } } as const
    expect(openedBy([own], { ...CLINICIAN, name: undefined })).toBeDefined()
    expect(openedBy([AGENTS, own], FOR_CLINICIAN)).toBeUndefined()
  })
})

describe('access for a purpose, for patients and in time', () => {
  it('asks for one of the purposes', () => {
    const grants = [grant('g', { purposes: ['TREAT', 'HOPERAT'] })]
    expect(openedBy(grants)).toBeUndefined()
    expect(openedBy(grants, { ...AGENT, purpose: 'HRESCH' })).toBeUndefined()
    expect(openedBy(grants, { ...AGENT, purpose: 'TREAT' })).toBeDefined()
  })

  it('asks for patients, and keeps them whoever asked', () => {
    const grants = [grant('g', { requiresPatients: true })]
    expect(openedBy(grants)).toBeUndefined()
    const bound = { ...AGENT, patients: ['12', '3', '12'] }
    expect(openedBy(grants, bound)?.patients).toEqual(['12', '3'])
    expect(openedBy([grant('g')], bound)?.patients).toEqual(['12', '3'])
    expect(openedBy([grant('g')], { ...AGENT, patients: [] })?.patients).toEqual([])
    expect(openedBy([grant('g')])?.patients).toBeUndefined()
  })

  it('begins and ends', () => {
    const grants = [grant('g', { notBefore: NOON, expires: NOON + 1000 }), grant('h', { expires: NOON + 10 })]
    expect(openedBy(grants, AGENT, NOON - 1)).toMatchObject({ grants: ['h'], until: NOON })
    expect(openedBy(grants, AGENT, NOON)).toMatchObject({ grants: ['g', 'h'], until: NOON + 10 })
    expect(openedBy(grants, AGENT, NOON + 10)).toMatchObject({ grants: ['g'], until: NOON + 1000 })
    expect(openedBy(grants, AGENT, NOON + 1000)).toBeUndefined()
    expect(openedBy(grants, AGENT, Number.NaN)).toBeUndefined()
    expect(openedBy([grant('g')])?.until).toBeUndefined()
  })

  it('follows a schedule', () => {
    const schedule = { days: ['mon'], from: 8 * 60, to: 17 * 60, timezone: 'UTC' } as const
    const grants = [grant('g', { schedule })]
    // NOON is a Monday.
    expect(openedBy(grants)?.until).toBe(NOON + 15 * 60_000)
    expect(openedBy(grants, AGENT, NOON + 24 * 3_600_000)).toBeUndefined()
  })

  it('is given on request for the chain, the grant as it was, and a time', () => {
    const onRequest = { pools: ['privacy'], quorum: 1, maxDuration: 3_600_000 }
    const wanted = grant('g', { onRequest })
    const given = { grant: 'g', chain: chainKey(AGENT), until: NOON + 1000, digest: grantDigest(wanted) }
    expect(openedBy([wanted])).toBeUndefined()
    expect(openedBy([wanted], AGENT, NOON, [given])?.until).toBe(NOON + 1000)
    expect(openedBy([wanted], AGENT, NOON + 1000, [given])).toBeUndefined()
    for (const other of [
      { ...given, grant: 'h' },
      { ...given, chain: chainKey(FOR_CLINICIAN) },
      { ...given, digest: grantDigest({ ...wanted, requiresPatients: true }) },
      { ...given, until: Number.NaN },
    ]) {
      expect(openedBy([wanted], AGENT, NOON, [other])).toBeUndefined()
    }
    const wider = { ...wanted, clearance: { default: 'clear', classes: {} } } as const
    expect(openedBy([wider], AGENT, NOON, [given])).toBeUndefined()
  })
})

describe('what access says', () => {
  it('has the lists of all members, and all budgets once', () => {
    const patients = { schema: 'ehr', table: 'patients', columns: '*' } as const
    const labs = { schema: 'ehr', table: 'labs', columns: ['id', 'code'] } as const
    const rows = { span: 'hour', unit: 'rows', limit: 100 } as const
    const agents = { ...AGENTS, relations: [patients, labs], budgets: [rows] }
    const more = grant('more', { relations: [labs], budgets: [rows] })
    const physicians = { ...PHYSICIANS, relations: [labs] }
    const opened = openedBy([agents, more, physicians], FOR_CLINICIAN)
    expect(opened?.relations).toEqual([
      [{ ...labs, columns: ['code', 'id'] }, patients],
      [{ ...labs, columns: ['code', 'id'] }],
    ])
    expect(opened?.budgets).toEqual([
      { grant: 'agents', ...rows },
      { grant: 'more', ...rows },
    ])
    expect(openedBy([agents, grant('all')])?.relations).toEqual([])
    expect(openedBy([grant('none', { relations: [] })])?.relations).toEqual([[]])
  })

  it('lets no grant clear what another one lets be named', () => {
    const labs = { schema: 'ehr', table: 'labs', columns: '*' } as const
    const clear = { default: 'clear', classes: {} } as const
    const some = grant('some', { relations: [labs], clearance: clear })
    expect(openedBy([some])?.clearance.key).toBe('clear')
    expect(openedBy([some, grant('all')])?.clearance.key).toBe('masked')
    const narrower = grant('narrower', { relations: [{ ...labs, columns: ['id'] }] })
    expect(openedBy([some, narrower])?.clearance.key).toBe('clear')
    expect(
      openedBy([
        grant('narrow', { relations: [{ ...labs, columns: ['id'] }], clearance: clear }),
        grant('g', { relations: [labs] }),
      ])?.clearance.key,
    ).toBe('masked')
  })

  it('has a key that tells accesses apart by what they decide, and not by the order of grants', () => {
    const bound = { ...AGENT, patients: ['1'] }
    const grants = [AGENTS, grant('b', { budgets: [{ span: 'run', unit: 'rows', limit: 1 }] })]
    const keys = [
      openedBy([AGENTS])?.key,
      openedBy([grant('agents')])?.key,
      openedBy(grants)?.key,
      openedBy([AGENTS], bound)?.key,
      openedBy([{ ...AGENTS, tokenScope: 'other' }])?.key,
      openedBy([{ ...AGENTS, relations: [] }])?.key,
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(openedBy(grants.toReversed())).toMatchObject({ key: openedBy(grants)?.key })
    expect(openedBy([{ ...AGENTS, expires: NOON + 5 }])?.key).toBe(openedBy([AGENTS])?.key)
  })
})

describe('what can be asked for', () => {
  const onRequest = { pools: ['privacy'], quorum: 1, maxDuration: 3_600_000 }
  const policy = policyOf(
    [],
    [
      grant('break-glass', { onRequest }),
      grant('delegated', { ...PHYSICIANS, name: 'delegated', onRequest }),
      grant('others', { onRequest, principals: [match({ subject: 'nobody' })] }),
      grant('over', { onRequest, expires: NOON }),
      grant('always'),
    ],
  )
  const names = (principal: Principal) => requestable(policy, principal, NOON).map(({ name }) => name)

  it('is what is given on request and fits', () => {
    expect(names(AGENT)).toEqual(['break-glass'])
    expect(names(FOR_CLINICIAN)).toEqual(['break-glass', 'delegated'])
    expect(names({ ...AGENT, targets: ['elsewhere'] })).toEqual([])
  })

  it('counts for whether a target can be reached', () => {
    expect(openedBy(policy.grants.slice(0, 2), FOR_CLINICIAN)).toBeUndefined()
    expect(mayReach(policy, FOR_CLINICIAN, 'hospital', NOON)).toBe(true)
    expect(mayReach(policy, FOR_CLINICIAN, 'elsewhere', NOON)).toBe(false)
    expect(mayReach(policy, FOR_BOTH, 'hospital', NOON)).toBe(true)
    expect(mayReach(policy, { ...CLINICIAN, name: undefined }, 'hospital', NOON)).toBe(false)
  })
})

it('keeps a token to the targets that it is for', () => {
  expect(openedBy([grant('g')], { ...AGENT, targets: ['hospital', 'x'] })).toBeDefined()
  expect(openedBy([grant('g')], { ...AGENT, targets: ['x'] })).toBeUndefined()
  expect(openedBy([grant('g')], { ...AGENT, targets: [] })).toBeUndefined()
})
