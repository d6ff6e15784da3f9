import type { BoolExpr, TypeCast } from '@pgsql/types'
import type { PhiQuestion } from '../../facts.ts'
import { combined } from '../expressions/expression.ts'
import type { Place } from '../place.ts'
import { isQuietCast } from './quiet-casts.ts'
import { isReleasedGroup, isReleasedOrder } from './released-form.ts'
import type { Value } from '../values/types.ts'

/** Notes that PHI decides something that can be seen. */
export function ask(use: PhiQuestion['use'], about: Value, released: boolean, { state }: Pick<Place, 'state'>): void {
  if (about.tainted) state.question(use, about, released)
}

/**
 * AND, OR, NOT. Whether a later operand is looked at depends on those before, so that its failure or its time tells of them:
 * PHI in one is a question even where only the value is wanted.
 */
export function booleanExpression({ boolop, args }: BoolExpr, place: Place): Value {
  const value = combined(args, place)
  if (boolop !== 'NOT_EXPR') ask('condition', value, false, place)
  return value
}

/** A cast that can fail answers a question by that. */
export function askCast(cast: TypeCast, value: Value, place: Place): void {
  if (value.tainted && !isQuietCast(cast, value, place.state.context)) ask('computation', value, false, place)
}

/** A key by which rows are put together. */
export function askGroup(key: Value, place: Pick<Place, 'state'>): boolean {
  const released = isReleasedGroup(key)
  ask('group', key, released, place)
  return released
}

/** A key by which rows are put together in its order. */
export function askSortedGroup(key: Value, place: Pick<Place, 'state'>): boolean {
  const released = isReleasedGroup(key) && isReleasedOrder(key, place.state.context)
  ask('group', key, released, place)
  return released
}

/** A key by which rows are ordered. */
export function askOrder(key: Value, place: Pick<Place, 'state'>): boolean {
  const released = isReleasedOrder(key, place.state.context)
  ask('order', key, released, place)
  return released
}

/** PHI in a text that is put together: where another part can be of any length, failing tells the length of this one. */
export function askJoined(about: Value, { state }: Pick<Place, 'state'>): void {
  if (!about.tainted) return
  state.later(() => {
    if (state.makesLongText) ask('computation', about, false, { state })
  })
}
