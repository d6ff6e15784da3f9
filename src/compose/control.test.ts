import { describe, expect, it } from 'vitest'
import type { AlertEvent } from '../alert/alert-event.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Kill, SessionRegistry } from '../session/session-registry.ts'
import { recordedControl } from './control.ts'
import type { RevocationDesk } from './revocation-desk.ts'

const THING = { kind: 'run', run: 'r' } as const
const KEPT = { id: 'rev-1', thing: THING, issuedBefore: undefined, until: undefined, reason: 'x', createdAt: 0 }

function setUp(isBroken: boolean) {
  const done: string[] = []
  const told: AlertEvent[] = []
  const registry = {
    kill: (kill: Kill) => {
      done.push(`kill ${kill.error.code}`)
      return 2
    },
  }
  const desk = {
    list: () => [{ ...KEPT, isShared: false }],
    revoke: () => {
      done.push('revoke')
      return Promise.resolve({ revocation: KEPT, isShared: true, isKept: true })
    },
    lift: (id: string) => {
      done.push(`lift ${id}`)
      return Promise.resolve(true)
    },
  }
  const control = recordedControl({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts that are used
    registry: registry as unknown as SessionRegistry,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the parts that are used
    desk: desk as unknown as RevocationDesk,
    record: (what, written) => {
      if (isBroken) return Promise.reject(new ChaperoneError('CHP-RECORD-FAILED'))
      done.push(`record ${what['action']} ${what['what']} ${Object.keys(written ?? {}).join()}`)
      return Promise.resolve()
    },
    raise: (event) => told.push(event),
    clock: () => 5,
  })
  return { control, done, told }
}

describe('what an operator does to sessions', () => {
  it('is on record before it is done, with what they wrote in the body, and is told of', async () => {
    const { control, done, told } = setUp(false)
    expect(await control.kill({ what: 'run', value: 'r', reason: 'x' })).toBe(2)
    await control.revoke({ thing: THING, issuedBefore: 1, until: 2, reason: 'x' })
    expect(await control.lift('rev-1')).toBe(true)
    expect(done).toEqual([
      'record sessions.kill run reason',
      'kill CHP-SESSION-TERMINATED',
      'record revocation.add run reason',
      'revoke',
      'record revocation.lift run ',
      'lift rev-1',
    ])
    expect(told.map(({ kind }) => kind)).toEqual(['killed', 'revoked'])
  })

  it('is not done when it cannot be recorded', async () => {
    const { control, done, told } = setUp(true)
    const failed = { code: 'CHP-RECORD-FAILED' }
    await expect(control.kill({ what: 'everything', value: '', reason: 'x' })).rejects.toMatchObject(failed)
    await expect(
      control.revoke({ thing: THING, issuedBefore: undefined, until: undefined, reason: 'x' }),
    ).rejects.toMatchObject(failed)
    await expect(control.lift('rev-1')).rejects.toMatchObject(failed)
    expect([done, told]).toEqual([[], []])
  })

  it('needs no record when there is nothing to lift', async () => {
    expect(await setUp(true).control.lift('rev-2')).toBe(false)
  })
})
