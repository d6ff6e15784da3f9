import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PhiClass } from '../classes.ts'
import { createPseudonyms } from '../pseudonyms.ts'
import { valueForm } from '../value-form.ts'
import { pseudonym } from './pseudonym.ts'
import { readPseudonym } from './read-pseudonym.ts'

const current = Buffer.alloc(32, 9)
const previous = Buffer.alloc(32, 8)
const pseudonymsOf = (phiClass: PhiClass, keys: readonly [Buffer, ...Buffer[]] = [current]) =>
  createPseudonyms(keys, 't', phiClass)

function formOf(typeOid: number, typmod = -1) {
  const form = valueForm({ typeOid, typmod, format: 0 })
  if (form === undefined) throw new Error('no form')
  return form
}

function written(value: string, phiClass: PhiClass, typeOid = 25, typmod = -1): string {
  const bytes = Buffer.from(value)
  return (
    pseudonym(formOf(typeOid, typmod), phiClass, pseudonymsOf(phiClass), 1937)(bytes, 0, bytes.length)?.toString() ?? ''
  )
}

describe('readPseudonym', () => {
  it.each(['name', 'mrn', 'email', 'health-plan'] as const)('reads what was written for %s', (phiClass) => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (value) => {
        const text = Buffer.from(value).toString()
        expect(readPseudonym(written(value, phiClass), formOf(25), pseudonymsOf(phiClass))).toEqual({
          kind: 'pseudonym',
          value: text,
        })
      }),
      { numRuns: 50 },
    )
  })

  it('reads those of previous keys, and of no other key, class or target', () => {
    const text = written('Smith', 'name')
    const read = (pseudonyms: ReturnType<typeof pseudonymsOf>) => readPseudonym(text, formOf(25), pseudonyms)
    expect(read(pseudonymsOf('name', [previous, current]))).toEqual({ kind: 'pseudonym', value: 'Smith' })
    for (const other of [
      pseudonymsOf('name', [previous]),
      pseudonymsOf('mrn'),
      createPseudonyms([current], 'u', 'name'),
    ])
      expect(read(other)).toEqual({ kind: 'malformed' })
  })

  it('takes what cannot be opened for what masking has left', () => {
    const placeholder = { kind: 'placeholder' }
    expect(readPseudonym(written('+1 617', 'phone'), formOf(25), pseudonymsOf('phone'))).toEqual(placeholder)
    expect(readPseudonym(written('x'.repeat(300), 'name'), formOf(25), pseudonymsOf('name'))).toEqual(placeholder)
    expect(readPseudonym(written('Smith', 'ssn', 1043, 4 + 30), formOf(1043, 34), pseudonymsOf('ssn'))).toEqual(
      placeholder,
    )
    for (const limit of [11, 20, 27]) {
      const short = written('917-55-1234', 'ssn', 1043, 4 + limit)
      expect(short).toHaveLength(limit)
      // A column of the class that has room for more, too.
      for (const form of [formOf(1043, 4 + limit), formOf(25)])
        expect(readPseudonym(short, form, pseudonymsOf('ssn'))).toEqual(placeholder)
    }
    expect(readPseudonym('917-55-1234', formOf(1043, 15), pseudonymsOf('ssn'))).toBeUndefined()
    expect(readPseudonym(written('4711', 'mrn', 23), formOf(23), pseudonymsOf('mrn'))).toEqual(placeholder)
    const uuid = written('0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11', 'mrn', 2950)
    expect(readPseudonym(uuid, formOf(2950), pseudonymsOf('mrn'))).toEqual(placeholder)
  })

  it('has nothing to say of values', () => {
    for (const text of ['Smith', 'name_', '', 'name_x', 'a@b.org', '+1 617 555 0134'])
      expect(readPseudonym(text, formOf(25), pseudonymsOf('name'))).toBeUndefined()
    expect(readPseudonym('4711', formOf(23), pseudonymsOf('mrn'))).toBeUndefined()
    expect(readPseudonym('0c8f2cf4-5ab3-4bb1-9d9c-1f9a2f0e8a11', formOf(2950), pseudonymsOf('mrn'))).toBeUndefined()
  })
})
