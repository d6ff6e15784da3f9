import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { foldText } from './folded-text.ts'

it.each([
  ['900‑12–3456', '900-12-3456'],
  ['MRN\u00a0482913', 'MRN 482913'],
  ['９００－１２－３４５６', '900-12-3456'],
  ['٩٠٠-١٢-٣٤٥٦', '900-12-3456'],
  ['O’Brien', "O'Brien"],
  ['plain', 'plain'],
  ['é𝒜', 'é𝒜'],
])('reads %s as ASCII writes it', (text, folded) => expect(foldText(text)).toBe(folded))

it('leaves every character at its place', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const folded = foldText(text)
      expect(folded.length).toBe(text.length)
      expect(foldText(folded)).toBe(folded)
    }),
  )
})
