import type { A_Expr, Node } from '@pgsql/types'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInOperator, builtInType } from '../known/built-in.ts'
import { constantText, integerLiteral, stringLiteral } from './constants.ts'
import type { AnalysisContext } from '../context.ts'
import { joinedObjects } from './json-object.ts'
import { arrayOfWords, valueAtTexts } from './json-path.ts'
import { anyPart, asText, element, member } from '../values/parts.ts'
import { partOfDifference } from '../questions/released-part.ts'
import type { Value } from '../values/types.ts'
import { detached, worst } from '../values/value.ts'

export interface OperandValue {
  readonly node: Node | undefined
  readonly value: Value
}

/**
 * What an operator makes of its operands. The operators of JSON take parts out of values whose shape is known, and put them
 * together; any other result may say whatever the operands say.
 */
export function operatorValue(expr: A_Expr, left: OperandValue, right: OperandValue, context: AnalysisContext): Value {
  if (expr.kind === 'AEXPR_NULLIF' && !right.value.tainted) return detached(left.value)
  const name = expr.kind === 'AEXPR_OP' ? builtInOperator(nameParts(expr.name), context) : null
  if (name === '-') {
    const part = partOfDifference(left, right)
    if (part !== null) return { ...worst([left.value, right.value]), part }
  }
  if (name === '||') return joinedJsonb(left, right, context)
  if (name !== null && left.value.tainted && !right.value.tainted) {
    const value = partOf(name, left.value, right.node, context)
    if (value !== null) return value
  }
  return worst([left.value, right.value])
}

function partOf(operator: string, value: Value, key: Node | undefined, context: AnalysisContext): Value | null {
  const { phi } = context
  switch (operator) {
    case '->':
      return child(value, key, context)
    case '->>':
      return asText(child(value, key, context), phi)
    case '#>':
    case '#>>': {
      const names = arrayOfWords(stringLiteral(key) ?? '')
      const found = names === null ? worst([value]) : valueAtTexts(value, names, phi)
      return operator === '#>' ? found : asText(found, phi)
    }
    case '-':
    case '#-':
      // Something is taken out of an object.
      return value.shape.kind === 'object' ? detached(value) : null
    default:
      return null
  }
}

function child(value: Value, key: Node | undefined, { phi }: AnalysisContext): Value {
  const name = constantText(key)
  if (name !== null) return member(value, name, phi)
  const index = integerLiteral(key)
  return index === null ? anyPart(value, phi) : element(value, index < 0 ? null : index, phi)
}

/** Objects in one. Next to a value that may be text, `||` joins texts, in which JSON can mean anything. */
function joinedJsonb(left: OperandValue, right: OperandValue, context: AnalysisContext): Value {
  const sides = [left, right]
  const areObjects = sides.every(({ value }) => !value.tainted || value.shape.kind === 'object')
  const areJsonb =
    sides.every(({ node, value }) => value.shape.kind === 'object' || isJsonb(node, context)) ||
    (sides.some(({ node }) => isJsonb(node, context)) && sides.some(({ node }) => stringLiteral(node) !== null))
  return areObjects && areJsonb ? joinedObjects(left.value, right.value) : worst([left.value, right.value])
}

const MAKES_JSONB: ReadonlySet<string> = new Set(['to_jsonb', 'jsonb_build_object', 'jsonb_set', 'jsonb_strip_nulls'])

/** Whether an expression is certainly of type jsonb. */
function isJsonb(node: Node | undefined, context: AnalysisContext): boolean {
  if (node === undefined) return false
  if ('FuncCall' in node) {
    const name = builtInFunction(nameParts(node.FuncCall.funcname), context)
    return name !== null && MAKES_JSONB.has(name)
  }
  if ('TypeCast' in node) return builtInType(node.TypeCast.typeName, context) === 'jsonb'
  if (!('A_Expr' in node) || node.A_Expr.kind !== 'AEXPR_OP') return false
  const { lexpr, name, rexpr } = node.A_Expr
  return builtInOperator(nameParts(name), context) === '||' && isJsonb(lexpr, context) && isJsonb(rexpr, context)
}
