import { array, assert, asyncProperty, constantFrom, integer, option, record, uniqueArray } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chainOf, memberKey } from '../principal.ts'
import type { VerifiedIdentity } from '../verified-identity.ts'
import { OAuthRefusal } from './exchange-request.ts'
import { executor, identityOf, issued, MINUTE, person, planner, setting, START, time } from './exchange-test-support.ts'

describe('whatever is exchanged for whatever', () => {
  const patients = uniqueArray(constantFrom('p1', 'p2', 'p3', 'p4'), { minLength: 1 })
  const targets = uniqueArray(constantFrom('hospital', 'billing'), { minLength: 1 })
  const bounds = record(
    {
      purpose: constantFrom('TREAT', 'HOPERAT'),
      run: constantFrom('r1', 'r2'),
      patients,
      targets,
    },
    { requiredKeys: [] },
  )
  const life = integer({ min: 0, max: 20 * MINUTE })
  const step = record({
    actor: option(constantFrom(planner, executor, { ...executor, issuer: 'main' }), { nil: undefined }),
    bounds,
    life,
    purpose: option(constantFrom('TREAT', 'HOPERAT'), { nil: undefined }),
    run: option(constantFrom('r1', 'r2'), { nil: undefined }),
    patients: option(patients, { nil: undefined }),
    audience: option(targets, { nil: undefined }),
    expires_in: option(constantFrom('1', '100', '100000'), { nil: undefined }),
  })

  it('nothing lives longer, has another purpose or run, sees more patients or targets, or loses a member', async () => {
    time.now = START
    await assert(
      asyncProperty(bounds, life, array(step, { minLength: 1, maxLength: 4 }), async (first, firstLife, steps) => {
        let subject = identityOf({ ...person, ...first }, { expiresAt: START + firstLife })
        let token = 'person'
        for (const { actor, bounds: actorBounds, life: actorLife, ...form } of steps) {
          const acting = actor && identityOf({ ...actor, ...actorBounds }, { expiresAt: START + actorLife })
          const where = setting({ person: subject, ...(acting && { actor: acting }) })
          let made: VerifiedIdentity & { token: string }
          try {
            made = await issued(
              { subject_token: token === 'person' ? 'person' : token, actor_token: acting && 'actor', ...form },
              where,
            )
          } catch (error) {
            expect(error).toBeInstanceOf(OAuthRefusal)
            continue
          }
          for (const source of [subject, ...(acting ? [acting] : [])]) {
            expect(made.expiresAt).toBeLessThanOrEqual(source.expiresAt)
            for (const word of ['purpose', 'run'] as const) {
              if (source.principal[word] !== undefined) expect(made.principal[word]).toBe(source.principal[word])
            }
            for (const list of ['patients', 'targets'] as const) {
              const allowed = source.principal[list]
              if (allowed !== undefined)
                expect(allowed).toEqual(expect.arrayContaining([...(made.principal[list] ?? ['nothing'])]))
            }
          }
          expect(made.expiresAt).toBeLessThanOrEqual(START + 10 * MINUTE)
          const expected = [...(acting ? [acting.principal] : []), ...chainOf(subject.principal)].map(memberKey)
          expect(chainOf(made.principal).map(memberKey)).toEqual(expected)
          subject = made
          token = made.token
        }
      }),
      { numRuns: 200 },
    )
  })
})
