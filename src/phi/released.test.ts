import { describe, expect, it } from 'vitest'
import { PHI_CLASSES } from './classes.ts'
import { documentTree } from './document.ts'
import type { Label } from './labels.ts'
import { createPseudonyms } from './pseudonyms.ts'
import { analysedLabel, releasedBy } from './released.ts'
import type { Transform } from './transform-names.ts'
import type { ValueKind } from './value-form.ts'

const pseudonym: Transform = { kind: 'pseudonym', pseudonyms: createPseudonyms([Buffer.alloc(32, 1)], 't', 'name') }
const released = (transform: Transform, kind: ValueKind, phiClass: Label['class'] = 'date') =>
  releasedBy({ class: phiClass, transform }, kind, 2026)

const nothing = { kind: 'nothing' }
const year = { kind: 'year', since: 1937 }

describe('releasedBy', () => {
  it.each([
    ['redact', 'text'],
    ['null', 'text'],
    [{ kind: 'constant', text: 'x' }, 'text'],
  ] as const)('is nothing for %j on %s', (transform, kind) => {
    expect(released(transform, kind)).toEqual(nothing)
  })

  it.each([
    ['partial', 'text'],
    [{ kind: 'keep-ends', first: 2, last: 2, fill: '*' }, 'text'],
    [{ kind: 'round', to: 10 }, 'int4'],
    [{ kind: 'truncate', to: 'decade' }, 'date'],
    ['year', 'jsonb'],
    ['year', 'text'],
    ['year', 'int4'],
    ['year', 'timestamptz'],
    [{ kind: 'truncate', to: 'month' }, 'timestamptz'],
    [pseudonym, 'timestamptz'],
    ['token', 'timestamptz'],
    ['token', 'jsonb'],
    ['token', 'int2'],
    ['token', 'float8'],
    ['token', 'bytea'],
    ['token', 'array'],
    ['age90', 'numeric'],
    ['age90', 'text'],
    ['zip3', 'int4'],
    ['zip3', 'date'],
    ['age90', 'date'],
    [pseudonym, 'jsonb'],
    [pseudonym, 'bytea'],
    [pseudonym, 'float8'],
    [{ kind: 'truncate', to: 'month' }, 'int4'],
  ] as const)('is parts that no condition can ask for, for %j on %s', (transform, kind) => {
    expect(released(transform, kind)).toEqual({ kind: 'parts' })
  })

  it('is the year of dates, back to the birth of those who are 89', () => {
    for (const kind of ['date', 'timestamp'] as const) expect(released('year', kind)).toEqual(year)
    expect(released('year', 'date', 'date-of-birth')).toEqual(year)
    expect(released('year', 'date', 'date-of-death')).toEqual({ kind: 'year', since: 1 })
    expect(released({ kind: 'truncate', to: 'month' }, 'date')).toEqual(year)
    expect(released(pseudonym, 'timestamp')).toEqual(year)
    expect(releasedBy({ class: 'date', transform: 'year' }, 'date', 2027)).toEqual({ kind: 'year', since: 1938 })
  })

  it('is three digits of a ZIP code, among those that may be told', () => {
    const zip = released('zip3', 'bpchar', 'zip')
    expect(zip).toMatchObject({ kind: 'prefix', length: 3 })
    const among = zip.kind === 'prefix' ? zip.among : new Set()
    expect(among.size).toBe(871)
    expect([among.has('021'), among.has('036'), among.has('000')]).toEqual([true, false, false])
  })

  it('is equality of tokens, and the year of dates that have none', () => {
    for (const kind of ['text', 'bpchar', 'uuid', 'int4', 'int8', 'numeric'] as const) {
      expect(released('token', kind)).toEqual({ kind: 'equality' })
    }
    for (const kind of ['date', 'timestamp'] as const) expect(released('token', kind)).toEqual(year)
  })

  it('is ages below 90, and equality of pseudonyms', () => {
    expect(released('age90', 'int4', 'age')).toEqual({ kind: 'age', below: 90 })
    for (const kind of ['text', 'bpchar', 'uuid', 'int2', 'int8', 'numeric'] as const) {
      expect(released(pseudonym, kind)).toEqual({ kind: 'equality' })
    }
  })
})

describe('analysedLabel', () => {
  const document = documentTree(
    [
      { path: ['name', 'family'], label: { class: 'name', transform: 'redact' } },
      { path: ['gender'], label: 'none' },
    ],
    { class: 'free-text', transform: 'redact' },
  )
  const label: Label = { class: PHI_CLASSES.at(-1) ?? 'name', transform: 'redact', document }

  it('has the classes of a document where there can be one', () => {
    const text = { kind: 'phi', class: 'free-text', releases: nothing }
    expect(analysedLabel(label, 'jsonb', true, 2026)).toEqual({
      class: 'free-text',
      releases: nothing,
      document: {
        kind: 'members',
        members: new Map<string, object>([
          [
            'name',
            {
              kind: 'members',
              members: new Map([['family', { kind: 'phi', class: 'name', releases: nothing }]]),
              others: text,
            },
          ],
          ['gender', { kind: 'clear' }],
        ]),
        others: text,
      },
    })
    expect(analysedLabel(label, 'text', false, 2026)).toEqual({ class: 'free-text', releases: nothing })
  })

  it('judges the parts of a document as texts', () => {
    const parts = documentTree([{ path: ['mrn'], label: { class: 'mrn', transform: 'token' } }], 'none')
    const of: Label = { class: 'free-text', transform: 'token', document: parts }
    expect(analysedLabel(of, 'jsonb', true, 2026)).toEqual({
      class: 'free-text',
      releases: { kind: 'parts' },
      document: {
        kind: 'members',
        members: new Map([['mrn', { kind: 'phi', class: 'mrn', releases: { kind: 'equality' } }]]),
        others: { kind: 'clear' },
      },
    })
  })
})
