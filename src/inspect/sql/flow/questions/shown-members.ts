import type { PhiView } from '../../catalog.ts'
import { documentAt } from '../values/document.ts'
import type { Value } from '../values/types.ts'
import { JSON_TYPES } from '../values/value-types.ts'

/**
 * Whether it can be seen in a masked value what is at which place in it: in a stored document or array, or one that a statement
 * makes with names of its own. With `jsonb_build_object(ssn, 1) -> '999-00-0001'` the name that is there would be a number.
 */
export function showsElements({ shape }: Value): boolean {
  return shape.kind !== 'whole' && shape.kind !== 'year'
}

/** Whether it can be seen in a masked value how many elements it has, where it is an array: those of objects that are masked inside. */
export function showsCount({ shape }: Value, phi: PhiView): boolean {
  return shape.kind === 'column' && JSON_TYPES.has(shape.typeOid) && documentAt(shape, phi)?.kind === 'members'
}

/**
 * Whether it can be seen in a masked value if it has a member of this name; null for any name. Objects whose members nobody
 * has declared are masked with their names, because those can be data: `{"Jane Doe": …}`.
 */
export function showsMember(value: Value, name: string | null, phi: PhiView): boolean {
  const { shape } = value
  if (!showsElements(value)) return false
  if (shape.kind !== 'column' || !JSON_TYPES.has(shape.typeOid)) return true
  const document = documentAt(shape, phi)
  if (document?.kind !== 'members') return document?.kind === 'clear'
  return document.others.kind === 'clear' || (name !== null && document.members.has(name))
}
