import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NameChange, NamedEntries } from './named-statements.ts'

const NAMES = ['', 'a', 'b']

type Step =
  | { readonly kind: 'define' | 'remove'; readonly name: string }
  | { readonly kind: 'confirm' | 'undo' | 'forget' | 'removeAll' }

const apply = (to: Map<string, number>, name: string, value: number | undefined) => {
  if (value === undefined) to.delete(name)
  else to.set(name, value)
}

describe('NamedEntries', () => {
  it('is after any answers what the changes that were done leave', () => {
    const step: fc.Arbitrary<Step> = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constantFrom('define', 'remove'), name: fc.constantFrom(...NAMES) }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('confirm', 'undo', 'forget', 'removeAll') }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const entries = new NamedEntries<number>(100)
        const known = new Map<string, number>()
        // Changes that wait for their answer, oldest first, with what each does to the model.
        const sent: {
          readonly change: NameChange<number>
          readonly name: string
          readonly value: number | undefined
        }[] = []
        let next = 0
        for (const one of steps) {
          switch (one.kind) {
            case 'define':
              sent.push({ change: entries.define(one.name, ++next, 0), name: one.name, value: next })
              break
            case 'remove':
              sent.push({ change: entries.remove(one.name, 0), name: one.name, value: undefined })
              break
            case 'removeAll':
              for (const change of entries.removeAll(0)) sent.push({ change, name: change.key, value: undefined })
              break
            case 'confirm':
            case 'undo':
            case 'forget': {
              const answered = sent.shift()
              if (answered === undefined) break
              const { change, name, value } = answered
              change[one.kind]()
              if (one.kind === 'confirm') apply(known, name, value)
              if (one.kind === 'forget') known.delete(name)
              // A second answer changes nothing.
              change.undo()
              change.forget()
            }
          }
          const assumed = new Map(known)
          for (const { name, value } of sent) apply(assumed, name, value)
          for (const name of NAMES) expect(entries.get(name)).toBe(assumed.get(name))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('says what cannot be relied on yet, and when to ask again', async () => {
    const entries = new NamedEntries<number>(10)
    const change = entries.define('a', 1, 1)
    expect(entries.unanswered('a', 1)).toBeUndefined()
    expect(entries.unanswered('b', 2)).toBeUndefined()
    const answered = entries.unanswered('a', 2)
    expect(answered).toBeInstanceOf(Promise)
    change.confirm()
    await answered
    expect(entries.unanswered('a', 2)).toBeUndefined()
  })

  it('takes names as the server does: 63 bytes', () => {
    const entries = new NamedEntries<number>(10)
    entries.define('n'.repeat(63), 1, 0).confirm()
    expect(entries.get(`${'n'.repeat(63)}X`)).toBe(1)
    expect(entries.get('n'.repeat(62))).toBeUndefined()
    // Cut within a character of three bytes.
    entries.define(`${'é'.repeat(31)}€`, 2, 0).confirm()
    expect(entries.get(`${'é'.repeat(31)}₭`)).toBe(2)
    expect(entries.get('é'.repeat(31))).toBeUndefined()
  })

  it('has a bound, and no room is needed for a name that is there', () => {
    const entries = new NamedEntries<number>(2)
    entries.define('a', 1, 0)
    entries.define('b', 1, 0).confirm()
    expect(entries.hasRoom('c')).toBe(false)
    expect(entries.hasRoom('a')).toBe(true)
    entries.remove('b', 0).confirm()
    expect(entries.hasRoom('c')).toBe(true)
    entries.removeWhere(() => true)
    expect(entries.get('a')).toBe(1)
  })
})
