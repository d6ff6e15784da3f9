import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsOf } from './array-elements.ts'

const quote = (element: string) => `"${element.replaceAll(/["\\]/g, '\\$&')}"`

describe('elementsOf', () => {
  it.each([
    ['{}', []],
    ['{a,b}', ['a', 'b']],
    ['{"a, b","say \\"x\\"",NULL,"NULL"}', ['a, b', 'say "x"', 'NULL']],
    ['{{1,2},{3,4}}', ['1', '2', '3', '4']],
    ['[0:1]={a,b}', ['a', 'b']],
    ['("1 Main Street",Peabody,,"x ""y""")', ['1 Main Street', 'Peabody', 'x "y"']],
    ['{"cut of', ['cut of']],
    ['', []],
  ])('%s', (text, elements) => expect(elementsOf(text)).toEqual(elements))

  it('reads what array_out writes', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (elements) => {
        expect(elementsOf(`{${elements.map(quote).join(',')}}`)).toEqual(elements)
      }),
    )
  })

  it('ends on anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', '{', ',', '[', '=', 'a') }),
        (text) => elementsOf(text).length >= 0,
      ),
    )
  })
})
