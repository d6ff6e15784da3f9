import type { Node } from '@pgsql/types'
import type { OutputShape } from '../../facts.ts'
import { constantText, integerLiteral } from './constants.ts'
import { asJson } from '../values/parts.ts'
import { isClean, mergedShape, memberOf, objectOf, wholeOf } from '../values/shape.ts'
import { joined } from '../values/taint.ts'
import type { Value } from '../values/types.ts'
import { shaped, worst } from '../values/value.ts'

/** A key and its value in a JSON object that is being made. */
export interface Pair {
  readonly key: { readonly node: Node | undefined; readonly value: Value }
  readonly value: Value
}

/** A JSON object made of pairs. Under a key that is not known any member may be meant. */
export function builtObject(pairs: readonly Pair[]): Value {
  const values = pairs.map(({ value }) => asJson(value))
  const tainted = values.filter((value) => value.tainted)
  if (pairs.some(({ key }) => key.value.tainted)) return worst([...pairs.map(({ key }) => key.value), ...values])
  const whole = wholeOf(joined(tainted).classes)
  const members = new Map<string, OutputShape>()
  const unnamed: OutputShape[] = []
  for (const [i, { key }] of pairs.entries()) {
    const { shape } = values[i] ?? { shape: whole }
    const name = keyName(key.node)
    if (name === null) unnamed.push(shape)
    else members.set(name, mergedShape([...present(members.get(name)), shape], whole))
  }
  const named = [...members].map(([name, shape]) => [name, mergedShape([shape, ...unnamed], whole)] as const)
  return shaped(objectOf(named, mergedShape(unnamed, whole)), tainted)
}

function present(shape: OutputShape | undefined): readonly OutputShape[] {
  return shape === undefined ? [] : [shape]
}

/** The name of a member that a key certainly gives. */
function keyName(node: Node | undefined): string | null {
  return constantText(node) ?? integerLiteral(node)?.toString() ?? null
}

/** Both objects in one (`||` of jsonb). What both have can be of either: arrays of objects are joined, too. */
export function joinedObjects(left: Value, right: Value): Value {
  const tainted = [left, right].filter((value) => value.tainted)
  return shaped(mergedShape([left.shape, right.shape], wholeOf(joined(tainted).classes)), tainted)
}

/** jsonb_set: the object with a member replaced or added. */
export function withMember(object: Value, path: readonly string[], value: Value): Value {
  const tainted = [object, value].filter((one) => one.tainted)
  const whole = wholeOf(joined(tainted).classes)
  return shaped(shapeWithMember(object.shape, path, asJson(value).shape, whole), tainted)
}

function shapeWithMember(
  shape: OutputShape,
  path: readonly string[],
  value: OutputShape,
  whole: OutputShape,
): OutputShape {
  const [name, ...below] = path
  if (name === undefined) return mergedShape([shape, value], whole)
  // Of an array a number is a place in it.
  if ((shape.kind !== 'object' && !isClean(shape)) || /^-?\d+$/.test(name)) return whole
  const object = shape.kind === 'object' ? shape : ({ kind: 'object', members: [], rest: shape } as const)
  const others = object.members.filter(([other]) => other !== name)
  return objectOf([...others, [name, shapeWithMember(memberOf(object, name), below, value, whole)]], object.rest)
}
