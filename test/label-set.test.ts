import { describe, expect, it } from 'vitest'
import type { LabelConfig, PhiConfig } from '../src/config/config.ts'
import { labelSetOf } from '../src/label-set.ts'

const KEY = Buffer.alloc(32, 1)

function label(column: string, phiClass: string, more: Partial<LabelConfig> = {}): LabelConfig {
  const where = { schema: 's', table: 't', column, key: `s.t.${column}` }
  return { ...where, class: phiClass, transform: undefined, document: undefined, ...more }
}

function setOf(labels: readonly LabelConfig[], more: Partial<PhiConfig> = {}, key: Buffer | undefined = KEY) {
  const phi = { pack: 'hipaa-safe-harbor', classes: {}, transforms: {}, labels: { hospital: labels }, ...more } as const
  const set = labelSetOf(phi, 'hospital', key === undefined ? {} : { pseudonymKeys: [key] })
  return (column: string) => set.labelOf('s', 't', column)
}

describe('labelSetOf', () => {
  it('takes the transform of the label, else of the class, else of the pack', () => {
    const labels = [label('a', 'zip'), label('b', 'ssn'), label('c', 'ssn', { transform: 'null' }), label('d', 'none')]
    const of = setOf(labels, { classes: { ssn: 'partial' } })
    expect(of('a')).toEqual({ class: 'zip', transform: 'zip3' })
    expect(of('b')).toEqual({ class: 'ssn', transform: 'partial' })
    expect(of('c')).toEqual({ class: 'ssn', transform: 'null' })
    expect(of('d')).toBe('none')
    expect(of('e')).toBe('unlabelled')
  })

  it('has what is kept for reviewed', () => {
    const labels = [
      label('a', 'date'),
      label('b', 'date', { transform: 'year' }),
      label('c', 'name', { transform: 'keep' }),
    ]
    const of = setOf(labels, { pack: 'minimum-necessary' })
    expect(of('a')).toBe('none')
    expect(of('b')).toEqual({ class: 'date', transform: 'year' })
    expect(of('c')).toBe('none')
  })

  it('knows the transforms of the configuration, each as one object', () => {
    const transforms = { tens: { kind: 'round', to: 10 } } as const
    const of = setOf([label('a', 'age', { transform: 'tens' }), label('b', 'age', { transform: 'tens' })], {
      transforms,
    })
    expect(of('a')).toEqual(of('b'))
    expect(of('a')).toHaveProperty('transform', transforms.tens)
  })

  it('makes equal labels one object, so that values may be stored from one column in another', () => {
    const of = setOf([
      label('a', 'name', { transform: 'token' }),
      label('b', 'name', { transform: 'token' }),
      label('c', 'name', { transform: 'partial' }),
      label('d', 'mrn', { transform: 'token' }),
    ])
    expect(of('a')).toBe(of('b'))
    expect(of('a')).not.toBe(of('c'))
    expect(of('a')).not.toBe(of('d'))
  })

  it('gives a class of a target one set of pseudonyms, and redacts without a key', () => {
    const labels = ['a', 'b'].map((column) => label(column, 'mrn', { transform: 'pseudonym' }))
    const of = setOf([...labels, label('c', 'ssn', { transform: 'pseudonym' })])
    const transformOf = (column: string) => {
      const found = of(column)
      return typeof found === 'string' ? found : found.transform
    }
    expect(transformOf('a')).toMatchObject({ kind: 'pseudonym' })
    expect(transformOf('a')).toBe(transformOf('b'))
    expect(transformOf('a')).not.toBe(transformOf('c'))
    expect(
      labelSetOf({ pack: 'hipaa-safe-harbor', classes: {}, transforms: {}, labels: { x: labels } }, 'x', {}).labelOf(
        's',
        't',
        'a',
      ),
    ).toEqual({
      class: 'mrn',
      transform: 'redact',
    })
  })

  it('labels the parts of documents', () => {
    const members = [
      { path: ['name'], class: 'name', transform: undefined, key: 'name' },
      { path: ['seen'], class: 'date', transform: undefined, key: 'seen' },
    ]
    const body = (others: 'mask' | 'pass', more: Partial<LabelConfig> = {}) =>
      label('body', 'free-text', { document: { members, others }, ...more })
    const name = { kind: 'phi', label: { class: 'name', transform: 'redact' } }
    const seen = { kind: 'phi', label: { class: 'date', transform: 'year' } }
    const text = { class: 'free-text', transform: 'redact' }
    const tree = (others: object, date: object = seen) => ({
      kind: 'members',
      members: new Map<string, object>([
        ['name', name],
        ['seen', date],
      ]),
      others,
    })
    expect(setOf([body('mask')])('body')).toEqual({ ...text, document: tree({ kind: 'phi', label: text }) })
    expect(setOf([body('pass')])('body')).toEqual({ ...text, document: tree({ kind: 'clear' }) })
    expect(setOf([body('pass')], { pack: 'minimum-necessary' })('body')).toEqual({
      ...text,
      document: tree({ kind: 'clear' }, { kind: 'clear' }),
    })
    // What is kept passes, but the parts that have labels are masked, and what is no document is masked whole.
    expect(setOf([body('mask', { transform: 'keep' })])('body')).toEqual({ ...text, document: tree({ kind: 'clear' }) })
  })
})
