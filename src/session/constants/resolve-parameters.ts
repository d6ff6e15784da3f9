import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { BoundValue, Resolved } from '../../protocols/protocol.ts'
import type { ConstantColumns } from './constant-columns.ts'
import { parameterForm } from './parameter-form.ts'
import { readConstant } from './read-constant.ts'
import { type Constant, type ConstantRules, settleConstants, type Settled } from './settle-constants.ts'

interface ParameterConstant extends Constant {
  readonly index: number
}

/** The values of Bind with the stand-ins among them resolved, those that change. */
export function resolveParameters(
  facts: SqlFacts,
  parameters: readonly BoundValue[],
  columns: ConstantColumns,
  rules: ConstantRules,
): Resolved<ReadonlyMap<number, Buffer>> | Promise<Resolved<ReadonlyMap<number, Buffer>>> {
  const constants = parameterConstants(facts, parameters, columns)
  if (constants.length === 0) return 'as-is'
  const settled = settleConstants(constants, rules)
  return settled instanceof Promise
    ? settled.then((done) => changed(constants, done, rules))
    : changed(constants, settled, rules)
}

function parameterConstants(
  { sites = [] }: SqlFacts,
  parameters: readonly BoundValue[],
  columns: ConstantColumns,
): readonly ParameterConstant[] {
  return sites.flatMap(({ at, use, column, class: phiClass, elements, isUntyped = false }) => {
    if (at.kind !== 'parameter') return []
    const index = at.number - 1
    const bound = parameters[index]
    // One that is missing is an error of the client's, which the server tells; NULL is no stand-in and equals nothing.
    if (bound === undefined || bound.value === null) return []
    const found = columns.of(column, phiClass, elements)
    if (found === undefined) return []
    const form = parameterForm(bound, bound.value, found, { use, isUntyped }, columns.typeOf)
    return [{ use, column, class: phiClass, read: readConstant(bound.value, form, found, use, columns.typeOf), index }]
  })
}

function changed(
  constants: readonly ParameterConstant[],
  settled: Settled | ChaperoneError,
  rules: ConstantRules,
): Resolved<ReadonlyMap<number, Buffer>> {
  if (settled instanceof ChaperoneError) return settled
  const values = new Map<number, Buffer | undefined>()
  for (const [i, { index, column }] of constants.entries()) {
    const value = settled[i]
    // At two sites it has to become the same.
    if (values.has(index) && !same(values.get(index), value)) return rules.refusal('unknown', column)
    values.set(index, value)
  }
  const replaced = new Map([...values].filter((entry): entry is [number, Buffer] => entry[1] !== undefined))
  return replaced.size === 0 ? 'as-is' : replaced
}

const same = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one === undefined || other === undefined ? one === other : one.equals(other)
