import { isUtf8Name } from '../../lib/encoding-name.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { Expected } from './expected.ts'
import { askedPosition } from './sent-text.ts'

/** Says that a target does what it should not; nothing it sends can be relied on any more. */
export const unexpected = (what: string): ChaperoneError =>
  new ChaperoneError('CHP-TARGET-LOST', { reason: `the target sent ${what}` })

/** Analysis reads statements under these settings; code on the server can change them without our seeing it beforehand. */
const RELIED_ON: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['client_encoding', isUtf8Name],
  ['standard_conforming_strings', (value) => value === 'on'],
])

/** Throws when a setting says that statements mean something else from now on. */
export function requireAnalysable({ name, value }: { readonly name: string; readonly value: string }): void {
  if (RELIED_ON.get(name)?.(value) === false) throw unexpected(`a changed ${name}, which analysis relies on`)
}

/** The fields of an error or notice about what was sent, as one about what the client sent. */
export function asAsked(fields: ReadonlyMap<string, string>, expected: Expected): ReadonlyMap<string, string> {
  const asked = new Map(fields)
  // A parameter without a value is found when values are missing; a simple query has none, and there it is undefined.
  if (expected.converted === true && fields.get('C') === '08P01') asked.set('C', '42P02')
  const position = positionAsked(Number(fields.get('P')), expected)
  if (position === undefined) asked.delete('P')
  else asked.set('P', String(position))
  return asked
}

function positionAsked(said: number, expected: Expected): number | undefined {
  const { operation } = expected
  const sent = expected.sent ?? operation?.sent
  const position = said - (operation?.prefix ?? 0)
  if (!Number.isSafeInteger(position) || position < 1 || sent === 'unknown') return undefined
  return sent === undefined ? position : askedPosition(sent, position)
}
