import type { Node, TypeCast } from '@pgsql/types'
import type { ConstantPlaces } from '../constant-places.ts'
import type { PatientConstant, PatientKeyForm } from '../facts.ts'
import { bodyOf, nameParts } from '../syntax-tree.ts'

/** Casts that leave a value of the form as it is. Those with a length can cut it off. */
const CASTS: ReadonlyMap<string, PatientKeyForm> = new Map([
  ['int2', 'integer'],
  ['int4', 'integer'],
  ['int8', 'integer'],
  ['text', 'text'],
  ['varchar', 'text'],
  ['uuid', 'uuid'],
])

/** Of longer lists nothing is said: facts are kept for long. */
const MAX_LISTED = 1000

/** Reads the constants and parameters that columns are compared with. */
export class KeyConstants {
  readonly #places: ConstantPlaces | null
  /** Byte positions of the parameters that were compared with columns, by number and form. */
  readonly #taken = new Map<string, Set<number>>()

  constructor(places: ConstantPlaces | null) {
    this.#places = places
  }

  /** Whether an expression is a constant or parameter, cast or not. Truth values say too little to count. */
  isConstant(node: Node | undefined): boolean {
    if (node === undefined) return false
    const cast = bodyOf(node, 'TypeCast')
    if (cast !== undefined) return this.isConstant(cast.arg)
    const array = bodyOf(node, 'A_ArrayExpr')
    if (array !== undefined) return (array.elements ?? []).every((element) => this.isConstant(element))
    const constant = bodyOf(node, 'A_Const')
    if (constant === undefined) return bodyOf(node, 'ParamRef') !== undefined
    return constant.isnull !== true && constant.boolval === undefined
  }

  /** One value; null for what is not a constant that is read so. */
  single(node: Node | undefined, form: PatientKeyForm | undefined): PatientConstant | null {
    return form === undefined ? null : this.#read(node, form, false)
  }

  /** `= ANY (…)`: an array written out, as a literal or as a parameter. */
  array(node: Node | undefined, form: PatientKeyForm | undefined): readonly PatientConstant[] | null {
    if (form === undefined) return null
    const written = bodyOf(uncast(node, form, true), 'A_ArrayExpr')
    if (written !== undefined) return this.list(written.elements ?? [], form)
    const whole = this.#read(node, form, true)
    return whole === null ? null : [whole]
  }

  list(nodes: readonly Node[], form: PatientKeyForm | undefined): readonly PatientConstant[] | null {
    if (nodes.length > MAX_LISTED) return null
    const constants = nodes.flatMap((node) => this.single(node, form) ?? [])
    return constants.length === nodes.length && nodes.length > 0 ? constants : null
  }

  /** In how many places a parameter is read so. If it stands in other places too, its type can be another one. */
  timesTaken(number: number, form: PatientKeyForm): number {
    return this.#taken.get(`${number} ${form}`)?.size ?? 0
  }

  #read(node: Node | undefined, form: PatientKeyForm, isArray: boolean): PatientConstant | null {
    const bare = uncast(node, form, isArray)
    if (this.#places === null || bare === undefined) return null
    const parameter = bodyOf(bare, 'ParamRef')
    if (parameter !== undefined) {
      const { number = 0, location = 0 } = parameter
      if (!this.#places.bindsParameters || number === 0) return null
      const key = `${number} ${form}`
      this.#taken.set(key, (this.#taken.get(key) ?? new Set()).add(location))
      return { at: { kind: 'parameter', number }, form, isArray }
    }
    const constant = bodyOf(bare, 'A_Const')
    if (constant?.location === undefined) return null
    const isNumber = constant.ival !== undefined || constant.fval !== undefined
    // Text of a number can be spelled otherwise than the number is.
    if (isNumber ? form !== 'integer' || isArray : constant.sval === undefined) return null
    const found = this.#places.literal(constant.location)
    return found?.isPlain === true ? { at: found.place, form, isArray } : null
  }
}

/** What is cast, when that makes no other value of it; undefined when it may. */
function uncast(node: Node | undefined, form: PatientKeyForm, isArray: boolean): Node | undefined {
  const cast = bodyOf(node, 'TypeCast')
  if (cast === undefined) return node
  // A cast of a cast has gone through another type.
  if (bodyOf(cast.arg, 'TypeCast') !== undefined) return undefined
  return castForm(cast, isArray) === form ? cast.arg : undefined
}

function castForm({ typeName }: TypeCast, isArray: boolean): PatientKeyForm | undefined {
  const [first, ...rest] = nameParts(typeName?.names)
  const name = rest.length === 0 ? first : first === 'pg_catalog' && rest.length === 1 ? rest[0] : undefined
  const hasBounds = (typeName?.arrayBounds ?? []).length === 1
  if (name === undefined || (typeName?.typmods ?? []).length > 0 || hasBounds !== isArray) return undefined
  return typeName?.setof === true || typeName?.pct_type === true ? undefined : CASTS.get(name)
}
