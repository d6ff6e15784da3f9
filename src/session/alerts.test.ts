import { describe, expect, it } from 'vitest'
import { fragment } from '../record/canonical.ts'
import type { Journal } from '../record/journal.ts'
import { type Alert, Alerts } from './alerts.ts'
import { SessionRecorder } from './session-recorder.ts'

const ALERT: Alert = { alert: 'token-unknown', classes: ['name'], count: 2 }

function setUp() {
  const records: unknown[] = []
  let now = 0
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one method that is called
  const journal = {
    append: ({ kind, what }: { readonly kind: string; readonly what: string }, body?: string) => {
      expect(body).toBeUndefined()
      records.push([kind, what])
      return records.length
    },
  } as unknown as Journal
  const recorder = new SessionRecorder(journal, 's')
  const told: Alert[] = []
  const alerts = new Alerts(
    {
      record: (alert) => recorder.alert(alert),
      holdBack: () => recorder.alertHeldBack(),
      onAlert: (alert) => told.push(alert),
    },
    () => now,
  )
  return { alerts, recorder, records, told, later: (ms: number) => (now += ms) }
}

describe('alerts', () => {
  it('are recorded without a body, and told', () => {
    const { alerts, records, told } = setUp()
    alerts.raise(ALERT)
    expect(records).toEqual([['alert', fragment({ alert: 'token-unknown', classes: ['name'], count: 2 })]])
    expect(told).toEqual([ALERT])
  })

  it('are counted only when there are too many, and the next record says how many', () => {
    const { alerts, recorder, records, told, later } = setUp()
    for (let i = 0; i < 100; i++) alerts.raise(ALERT)
    expect([records.length, told.length]).toEqual([30, 30])
    later(60_000)
    alerts.raise(ALERT)
    expect(records.at(-1)).toEqual([
      'alert',
      fragment({ alert: 'token-unknown', alertsHeldBack: 70, classes: ['name'], count: 2 }),
    ])
    for (let i = 0; i < 31; i++) alerts.raise(ALERT)
    recorder.ended('client-closed', undefined, 5)
    expect(records.at(-1)).toEqual([
      'session-end',
      fragment({ alertsHeldBack: 2, operations: 5, reason: 'client-closed' }),
    ])
  })
})
