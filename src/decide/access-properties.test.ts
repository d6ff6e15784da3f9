import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChainMatch, GrantConfig, GrantedRelation } from '../config/config.ts'
import type { Member, Principal } from '../identity/principal.ts'
import { access } from './access.ts'
import type { Access } from './decision.ts'
import { grant, match, NOON, policyOf } from './decide-test-support.ts'
import { covers } from './granted-relations.ts'

const CLASSES = ['name', 'ssn', 'zip'] as const
const TABLES = ['a', 'b'] as const
const COLUMNS = ['x', 'y'] as const

const level = fc.constantFrom('masked' as const, 'clear' as const)
const subject = fc.constantFrom('ann', 'bot', 'planner', 'eve')
const anyMember: fc.Arbitrary<Member> = fc.record({
  issuer: fc.constant('corp'),
  subject,
  kind: fc.constantFrom('human', 'agent'),
  groups: fc.subarray(['g1', 'g2']),
})
const anyMatch = fc.oneof(
  subject.map((one) => match({ subject: one })),
  fc.constantFrom('g1', 'g2').map((group) => match({ group })),
  fc.constantFrom('human' as const, 'agent' as const).map((kind) => match({ kind })),
)
const anyChainMatch: fc.Arbitrary<ChainMatch | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.constant({ kind: 'none' as const }),
  fc.record({
    kind: fc.constant('onBehalfOf' as const),
    origin: fc.array(anyMatch, { maxLength: 2 }),
    maxLength: fc.option(fc.integer({ min: 2, max: 3 }), { nil: undefined }),
  }),
)
const anyRelation: fc.Arbitrary<GrantedRelation> = fc.record({
  schema: fc.constant('s'),
  table: fc.constantFrom('*', ...TABLES),
  columns: fc.oneof(fc.constant('*' as const), fc.subarray([...COLUMNS])),
})
const anyGrant: fc.Arbitrary<Partial<GrantConfig>> = fc.record({
  use: fc.constantFrom('access', 'access', 'delegation'),
  principals: fc.array(anyMatch, { minLength: 1, maxLength: 3 }),
  chain: anyChainMatch,
  purposes: fc.option(fc.subarray(['TREAT', 'HOPERAT']), { nil: undefined }),
  notBefore: fc.option(fc.constantFrom(NOON - 1, NOON + 1), { nil: undefined }),
  expires: fc.option(fc.constantFrom(NOON, NOON + 5), { nil: undefined }),
  relations: fc.option(fc.array(anyRelation, { maxLength: 3 }), { nil: undefined }),
  requiresPatients: fc.boolean(),
  clearance: fc.record({
    default: level,
    classes: fc.dictionary(fc.constantFrom(...CLASSES), level, { noNullPrototype: true }),
  }),
})
const grantsOf = (list: readonly Partial<GrantConfig>[]) => list.map((fields, index) => grant(`g${index}`, fields))
const anyGrants = fc.array(anyGrant, { minLength: 1, maxLength: 6 }).map(grantsOf)
const anyPrincipal: fc.Arbitrary<Principal> = fc
  .record({
    chain: fc.array(anyMember, { minLength: 1, maxLength: 3 }),
    purpose: fc.constantFrom(undefined, 'TREAT', 'HOPERAT'),
    patients: fc.constantFrom(undefined, ['1']),
  })
  .map(({ chain: [holder, ...others], purpose, patients }) => {
    if (holder === undefined) throw new TypeError('a chain without a member')
    return {
      ...holder,
      name: undefined,
      ...(others.length === 0 ? {} : { onBehalfOf: others }),
      ...(purpose === undefined ? {} : { purpose }),
      ...(patients === undefined ? {} : { patients }),
    }
  })

const open = (grants: readonly GrantConfig[], principal: Principal, now = NOON): Access | undefined =>
  access(policyOf([], grants), principal, 'hospital', { now, activated: [] })

/** Whether this access lets a value be seen as it is: a column that may be named, of a class that is cleared. */
function shows(given: Access | undefined, table: string, column: string, phiClass: string): boolean {
  return (
    given !== undefined &&
    given.relations.every((list) => covers(list, 's', table, [column])) &&
    given.clearance.clears(phiClass)
  )
}

const everyValue = TABLES.flatMap((table) =>
  COLUMNS.flatMap((column) => CLASSES.map((phiClass) => [table, column, phiClass] as const)),
)

const is = (who: Member) => (pattern: GrantConfig['principals'][number]) =>
  (pattern.subject === undefined || pattern.subject === who.subject) &&
  (pattern.group === undefined || who.groups.includes(pattern.group)) &&
  (pattern.kind === undefined || pattern.kind === who.kind)

/** The rule in words, for one value and one grant of one member: nothing is combined. */
function mayShow(
  one: GrantConfig,
  principal: Principal,
  at: number,
  [table, column, phiClass]: (typeof everyValue)[number],
) {
  const chain: readonly Member[] = [principal, ...(principal.onBehalfOf ?? [])]
  const member = chain[at]
  const origin = chain.at(-1)
  if (member === undefined || origin === undefined) return false
  const isOpen = at > 0 || one.use === 'access'
  const isFor = one.purposes === undefined || one.purposes.some((purpose) => purpose === principal.purpose)
  const isNow = (one.notBefore ?? 0) <= NOON && NOON < (one.expires ?? Infinity)
  const fitsChain =
    one.chain === undefined ||
    (one.chain.kind === 'none'
      ? chain.length === 1
      : at < chain.length - 1 &&
        (one.chain.origin.length === 0 || one.chain.origin.some(is(origin))) &&
        chain.length <= (one.chain.maxLength ?? 99))
  const named =
    one.relations === undefined ||
    one.relations.some(
      (entry) =>
        (entry.table === '*' || entry.table === table) && (entry.columns === '*' || entry.columns.includes(column)),
    )
  return (
    isOpen &&
    isFor &&
    isNow &&
    fitsChain &&
    named &&
    one.principals.some(is(member)) &&
    (!one.requiresPatients || principal.patients !== undefined) &&
    (one.clearance.classes[phiClass] ?? one.clearance.default) === 'clear'
  )
}

describe('access', () => {
  it('shows a value only if one grant of each member does by itself', () => {
    fc.assert(
      fc.property(anyGrants, anyPrincipal, (grants, principal) => {
        const given = open(grants, principal)
        const members = 1 + (principal.onBehalfOf?.length ?? 0)
        for (const value of everyValue) {
          if (!shows(given, ...value)) continue
          for (let at = 0; at < members; at++) {
            expect(grants.some((one) => mayShow(one, principal, at, value))).toBe(true)
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('of a chain is the intersection of its members, where grants have no lists', () => {
    const whole = fc.array(anyGrant, { minLength: 1, maxLength: 6 }).map((list) => {
      return grantsOf(list.map((fields) => ({ ...fields, relations: undefined })))
    })
    fc.assert(
      fc.property(whole, anyPrincipal, (grants, principal) => {
        const given = open(grants, principal)
        const members = 1 + (principal.onBehalfOf?.length ?? 0)
        if (given === undefined) return
        for (const value of everyValue) {
          const expected = Array.from({ length: members }, (_, at) =>
            grants.some((one) => mayShow(one, principal, at, value)),
          )
          expect(shows(given, ...value)).toBe(expected.every(Boolean))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('does not depend on the order of grants and of what matches in them', () => {
    fc.assert(
      fc.property(anyGrants, anyPrincipal, (grants, principal) => {
        const turned = grants.toReversed().map((one) => ({ ...one, principals: one.principals.toReversed() }))
        expect(open(turned, principal)?.key).toBe(open(grants, principal)?.key)
        expect(open(turned, principal)?.until).toBe(open(grants, principal)?.until)
      }),
    )
  })

  it('is never more with a grant less, but where lists of relations kept a clearance back', () => {
    fc.assert(
      fc.property(anyGrants, anyPrincipal, fc.nat(), (grants, principal, at) => {
        const fewer = grants.toSpliced(at % grants.length, 1)
        const less = open(fewer, principal)
        if (less === undefined) return
        const more = open(grants, principal)
        expect(more).toBeDefined()
        for (const list of less.relations) expect(list).toBeDefined()
        if (grants.some(({ relations }) => relations !== undefined)) return
        for (const value of everyValue) if (shows(less, ...value)) expect(shows(more, ...value)).toBe(true)
      }),
    )
  })

  it('is never more with somebody else who acts for the chain', () => {
    fc.assert(
      fc.property(anyGrants, anyPrincipal, anyMember, (grants, principal, actor) => {
        const { name, purpose, patients, onBehalfOf = [], ...holder } = principal
        const longer: Principal = {
          ...actor,
          name,
          onBehalfOf: [holder, ...onBehalfOf],
          ...(purpose === undefined ? {} : { purpose }),
          ...(patients === undefined ? {} : { patients }),
        }
        const delegated = grants.filter(({ use }) => use === 'access')
        const given = open(delegated, longer)
        if (given === undefined) return
        const alone = open(delegated, principal)
        expect(alone).toBeDefined()
        if (delegated.some(({ relations }) => relations !== undefined)) return
        for (const value of everyValue) if (shows(given, ...value)) expect(shows(alone, ...value)).toBe(true)
      }),
    )
  })

  it('stays as it is until it says', () => {
    fc.assert(
      fc.property(anyGrants, anyPrincipal, (grants, principal) => {
        const given = open(grants, principal, NOON - 3)
        if (given === undefined) return
        for (let now = NOON - 3; now < Math.min(given.until ?? Infinity, NOON + 9); now++) {
          expect(open(grants, principal, now)?.key).toBe(given.key)
        }
      }),
    )
  })
})
