import { describe, expect, it, vi } from 'vitest'
import type { AlertsConfig } from '../config/alerts-config.ts'
import type { Alert } from './alert.ts'
import { AlertCenter } from './alert-center.ts'
import type { AlertEvent, AlertSource } from './alert-event.ts'
import type { AlertMemory } from './alert-memory.ts'
import { syslogMessage } from './syslog-message.ts'

const HOUR = 3_600_000
const SETTINGS: AlertsConfig = {
  webhooks: [],
  syslog: [],
  refusals: { count: 3, within: 60_000 },
  volume: { factor: 2, minimumRows: 100 },
  workingHours: undefined,
  firstAccess: true,
  repeatAfter: 600_000,
  maxPerHour: 5,
}

function center(
  settings: Partial<AlertsConfig> = {},
  memory?: AlertMemory,
  isWorkingTime: (at: number) => boolean = () => true,
) {
  const sent: Alert[] = []
  const failures: unknown[] = []
  const made = new AlertCenter({
    settings: { ...SETTINGS, ...settings },
    isWorkingTime,
    memory,
    sinks: [
      () => {
        throw new Error('a sink that fails')
      },
      (alert) => sent.push(alert),
    ],
    onFailure: (error) => failures.push(error),
  })
  const raise = (event: AlertEvent, at = 0, more: Partial<AlertSource> = {}) =>
    made.raise(event, { chain: ['corp/agent', 'corp/ann'], target: 'hospital', at, ...more })
  return { made, raise, sent, failures, kinds: () => sent.map(({ kind }) => kind) }
}

const REFUSAL = { kind: 'refusal', code: 'CHP-POLICY-REFUSED', rule: 'r' } as const
const WRITE_BACK = { kind: 'write-back', classes: ['mrn'] } as const

describe('alerts', () => {
  it('tell of refusals when there are many of one chain in the time', () => {
    const { raise, kinds } = center()
    for (const at of [0, 1000]) raise(REFUSAL, at)
    raise(REFUSAL, 1500, { chain: ['corp/other'] })
    expect(kinds()).toEqual([])
    raise(REFUSAL, 61_000)
    expect(kinds()).toEqual([])
    raise(REFUSAL, 61_500)
    raise(REFUSAL, 62_000)
    expect(kinds()).toEqual(['refusals'])
  })

  it.each([
    [{ kind: 'rule-alert', rule: 'r', message: 'm' }, 'rule'],
    [{ kind: 'token-unknown', classes: ['mrn'] }, 'token-unknown'],
    [{ kind: 'token-malformed', classes: [] }, 'token-malformed'],
    [WRITE_BACK, 'write-back'],
    [{ kind: 'approval-invalid', request: 'apr-1', reason: 'own request' }, 'approval-invalid'],
    [{ kind: 'passkey-registered' }, 'passkey-registered'],
    [{ kind: 'budget-exceeded', span: 'run', unit: 'rows' }, 'budget-exceeded'],
    [{ kind: 'killed', what: 'everything', by: 'operator' }, 'killed'],
    [{ kind: 'revoked', what: 'run r', by: 'operator' }, 'revoked'],
    [{ kind: 'policy-error', rule: undefined }, 'policy-error'],
    [{ kind: 'record-failed' }, 'record-failed'],
    [{ kind: 'store-down' }, 'store-down'],
  ] as const)('tell of %j at once', (event, kind) => {
    const { raise, kinds, failures } = center()
    raise(event)
    expect(kinds()).toEqual([kind])
    // The first sink failed; the second was told all the same.
    expect(failures).toHaveLength(1)
  })

  it('tell of sessions outside working hours only', () => {
    const { raise, kinds } = center({}, undefined, (at) => at < 100)
    raise({ kind: 'session-started' }, 0)
    raise({ kind: 'session-started' }, 100)
    expect(kinds()).toEqual(['off-hours'])
  })

  it('count what is alike and tell it with the next, also when the clock is set back', () => {
    const { raise, sent } = center()
    for (const at of [1000, 2000, 3000]) raise(WRITE_BACK, at)
    expect(sent).toHaveLength(1)
    raise(WRITE_BACK, 1000 + SETTINGS.repeatAfter)
    expect(sent.map(({ repeated }) => repeated)).toEqual([0, 2])
    raise(WRITE_BACK, 0)
    expect(sent).toHaveLength(3)
  })

  it('send no more than are allowed in an hour, and say how many were held back', () => {
    const { raise, sent } = center()
    for (let index = 0; index < 20; index++) raise(WRITE_BACK, index, { chain: [`corp/${index}`] })
    expect(sent).toHaveLength(5)
    raise(WRITE_BACK, HOUR, { chain: ['corp/new'] })
    expect(sent.at(-1)).toMatchObject({ heldBack: 15, source: { chain: ['corp/new'] } })
  })

  it('are never held back for others when they are critical, though still told of once', () => {
    const { raise, kinds } = center()
    for (let index = 0; index < 20; index++) raise(WRITE_BACK, index, { chain: [`corp/${index}`] })
    for (const at of [30, 31]) raise({ kind: 'record-failed' }, at)
    expect(kinds().slice(5)).toEqual(['record-failed'])
  })
})

const memory = (more: Partial<AlertMemory> = {}): AlertMemory => ({
  firstUses: (_, relations) => Promise.resolve(relations),
  firstPatients: (_, digests) => Promise.resolve({ first: digests.length, hadAny: true }),
  addRows: (_, rows) => Promise.resolve({ thisHour: rows, mean: 50 }),
  forget: () => Promise.resolve(),
  ...more,
})

const named = (name: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${name}${index}`)

describe('what is compared with the days before', () => {
  it('is told once for tables that are used for the first time', async () => {
    const asked: (readonly string[])[] = []
    const { made, raise, sent } = center(
      {},
      memory({
        firstUses: (_, relations) => {
          asked.push(relations)
          return Promise.resolve(relations.filter((one) => one !== 'known'))
        },
      }),
    )
    raise({ kind: 'relations-used', relations: ['read ehr.patient', 'known'] })
    await made.close()
    expect(sent.map(({ kind, details }) => [kind, details])).toEqual([
      ['first-access', { count: 1, relations: ['read ehr.patient'] }],
    ])
    raise({ kind: 'relations-used', relations: ['known', 'read ehr.patient'] })
    await made.close()
    expect(asked).toHaveLength(1)
  })

  it('is told for patients with how many are new, never whom', async () => {
    const asked: (readonly string[])[] = []
    const { made, raise, sent } = center(
      {},
      memory({
        firstPatients: (_, digests) => {
          asked.push(digests)
          return Promise.resolve({ first: digests.filter((one) => one !== 'd1').length, hadAny: true })
        },
      }),
    )
    raise({ kind: 'patients-seen', digests: ['d1', 'd2'], count: 2 })
    raise({ kind: 'patients-seen', digests: ['d2', 'd3'], count: 5 })
    await made.close()
    raise({ kind: 'patients-seen', digests: ['d1', 'd3'], count: 2 })
    await made.close()
    expect(asked).toEqual([['d1', 'd2', 'd3']])
    expect(sent.map(({ kind, details }) => [kind, details])).toEqual([['first-patients', { count: 2, of: 7 }]])
    expect(JSON.stringify(sent)).not.toMatch(/d[123]/u)
  })

  it('is told once for few patients again and again, and again for many more', async () => {
    const { made, raise, sent } = center({}, memory())
    const read = async (name: string, count: number) => {
      raise({ kind: 'patients-seen', digests: named(name, count), count })
      await made.close()
    }
    for (const [name, count] of [['a', 1] as const, ['b', 9] as const, ['c', 500] as const, ['d', 999] as const]) {
      await read(name, count)
    }
    expect(sent.map(({ details }) => details['count'])).toEqual([1, 500])
  })

  it('is told in other words for a chain that had read nobody', async () => {
    const { made, raise, sent } = center(
      {},
      memory({ firstPatients: (_, digests) => Promise.resolve({ first: digests.length, hadAny: false }) }),
    )
    raise({ kind: 'patients-seen', digests: ['d'], count: 3000 })
    await made.close()
    expect(sent).toMatchObject([{ title: 'a chain had its first access to patients', details: { of: 3000 } }])
  })

  it('is not asked for patients where first access is not told', async () => {
    const firstPatients = vi.fn(() => Promise.resolve({ first: 1, hadAny: true }))
    const { made, raise, sent } = center({ firstAccess: false }, memory({ firstPatients }))
    raise({ kind: 'patients-seen', digests: ['d'], count: 1 })
    await made.close()
    expect([firstPatients.mock.calls, sent]).toEqual([[], []])
  })

  it('keeps patients while the store is down, within bounds', async () => {
    let isDown = true
    const asked: number[] = []
    const firstPatients = (_: unknown, digests: readonly string[]) => {
      if (isDown) return Promise.reject(new Error('down'))
      asked.push(digests.length)
      return Promise.resolve({ first: digests.length, hadAny: true })
    }
    const { made, raise } = center({}, memory({ firstPatients }))
    raise({ kind: 'patients-seen', digests: named('a', 60_000), count: 60_000 })
    await made.close()
    raise({ kind: 'patients-seen', digests: [...named('a', 60_000), ...named('b', 60_000)], count: 120_000 })
    await made.close()
    isDown = false
    await made.close()
    raise({ kind: 'patients-seen', digests: ['c'], count: 1 })
    await made.close()
    expect(asked[0]).toBeLessThanOrEqual(100_000)
    expect(asked[0]).toBeGreaterThanOrEqual(60_000)
    expect(asked[1]).toBe(1)
  })

  it.each([
    ['many more', 101, 50, ['volume']],
    ['twice as many', 100, 50, []],
    ['few', 99, 1, []],
    ['many, by somebody new', 1000, undefined, []],
  ])('is told for %s rows', async (_, rows, mean, expected) => {
    const { made, raise, kinds } = center(
      {},
      memory({
        addRows: (__, thisHour) => Promise.resolve({ thisHour, mean }),
      }),
    )
    raise({ kind: 'rows-released', rows: rows - 1, patients: 0 })
    raise({ kind: 'rows-released', rows: 1, patients: 0 })
    await made.close()
    expect(kinds()).toEqual(expected)
  })

  it('waits while the store is down, and says so once', async () => {
    let isDown = true
    const { made, raise, kinds, failures } = center(
      {},
      memory({
        firstUses: (_, relations) => (isDown ? Promise.reject(new Error('down')) : Promise.resolve(relations)),
      }),
    )
    raise({ kind: 'relations-used', relations: ['a'] })
    await made.close()
    raise({ kind: 'relations-used', relations: ['b'] })
    await made.close()
    expect(failures).toEqual([new Error('down')])
    isDown = false
    await made.close()
    await vi.waitFor(() => expect(kinds()).toEqual(['first-access']))
  })
})

describe('a syslog message', () => {
  const alert: Alert = {
    id: 'alert-1',
    kind: 'rule',
    severity: 'warning',
    title: 'a rule',
    details: { rule: 'x"y]z\\', list: ['a', 'b'] },
    source: { chain: ['corp/agent', 'corp/ann'], target: 'hospital', at: 0 },
    likeness: '',
    repeated: 2,
    heldBack: 0,
  }
  const origin = { facility: 13, host: 'gate way', processId: 7 }

  it('is RFC 5424, with values that cannot break out', () => {
    expect(syslogMessage(alert, origin).toString()).toBe(
      '<108>1 1970-01-01T00:00:00.000Z gateway chaperone 7 rule [chaperone@32473 id="alert-1" ' +
        'chain="corp/agent < corp/ann" target="hospital" repeated="2" heldBack="0" ' +
        String.raw`rule="x\"y\]z\\" list="a b"] a rule`,
    )
  })

  it('stays short and on one line, whatever is in it', () => {
    const details = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`d${index}`, 'ü'.repeat(500)]))
    const message = syslogMessage({ ...alert, details, title: 'ü\n'.repeat(400) }, origin)
    expect(message.length).toBeLessThanOrEqual(2048)
    expect(message.toString()).not.toMatch(/\n/)
  })
})
