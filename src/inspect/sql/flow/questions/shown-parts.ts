import type { FuncCall } from '@pgsql/types'
import type { PhiDocument, PhiView } from '../../catalog.ts'
import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction, builtInType } from '../known/built-in.ts'
import { constantText, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'
import { documentAt } from '../values/document.ts'
import { filteredPath, predicatePaths } from '../expressions/json-filter.ts'
import { showsSteps, type Step, valueAt } from '../expressions/json-path.ts'
import type { Operand } from './released-form.ts'
import type { Value } from '../values/types.ts'

/**
 * Questions about the parts of a document that its label calls free of PHI, where the document itself is an operand. The
 * answer tells nothing that cannot be seen in the masked document.
 */

/** `body @> '{"gender": "male"}'`, `body @? '$.name'`, `body @@ '$.gender == "male"'`, `body ? 'name'` */
export function asksShownParts(operator: string, left: Operand, right: Operand, context: AnalysisContext): boolean {
  const { phi } = context
  switch (operator) {
    case '@>':
      return containsShown(left.value, right, context)
    case '<@':
      return containsShown(right.value, left, context)
    case '@?':
      return isJsonb(left.value) && existenceIsShown(left.value, constantOf(right, 'jsonpath', context), phi)
    case '@@':
      return isJsonb(left.value) && truthIsShown(left.value, constantOf(right, 'jsonpath', context), phi)
    case '?': {
      // Any other name could be a text where an object should be.
      const document = documentOf(left.value, phi)
      return document?.kind === 'members' && document.members.has(constantText(right.node) ?? '')
    }
    default:
      return false
  }
}

/** jsonb_path_exists and jsonb_path_match, without variables */
export function callAsksShownParts(call: FuncCall, args: readonly Operand[], context: AnalysisContext): boolean {
  const [document, path] = args
  if (document === undefined || path === undefined || args.length !== 2) return false
  if (call.func_variadic === true || !document.value.tainted || !isJsonb(document.value)) return false
  const name = builtInFunction(nameParts(call.funcname), context)
  const text = constantOf(path, 'jsonpath', context)
  if (name === 'jsonb_path_exists') return existenceIsShown(document.value, text, context.phi)
  return name === 'jsonb_path_match' && truthIsShown(document.value, text, context.phi)
}

function existenceIsShown(value: Value, path: string | null, phi: PhiView): boolean {
  const found = path === null ? null : filteredPath(path)
  return found !== null && areFree(value, found.asked, phi) && showsSteps(value, found.steps, phi)
}

function truthIsShown(value: Value, path: string | null, phi: PhiView): boolean {
  const asked = path === null ? null : predicatePaths(path)
  return asked !== null && areFree(value, asked, phi)
}

/** Whether all that these paths lead to is free of PHI. */
export function areFree(value: Value, paths: readonly (readonly Step[])[], phi: PhiView): boolean {
  return paths.every((steps) => !valueAt(value, steps, phi).tainted)
}

function containsShown(value: Value, { node }: Operand, context: AnalysisContext): boolean {
  const text = constantOf({ node }, 'jsonb', context)
  const document = documentOf(value, context.phi)
  if (document === null || text === null) return false
  try {
    return isShownIn(document, JSON.parse(text))
  } catch {
    return false
  }
}

/** Whether it can be seen in a masked document if it contains this; arrays stand for each of their elements. */
function isShownIn(document: PhiDocument, part: unknown): boolean {
  if (document.kind === 'clear') return true
  if (document.kind === 'phi' || typeof part !== 'object' || part === null) return false
  if (Array.isArray(part)) return part.every((element) => isShownIn(document, element))
  return Object.entries(part).every(([name, below]) => isShownIn(document.members.get(name) ?? document.others, below))
}

const JSONB = 3802

function isJsonb({ shape }: Value): boolean {
  return shape.kind === 'column' && shape.typeOid === JSONB
}

function documentOf(value: Value, phi: PhiView): PhiDocument | null {
  return value.shape.kind === 'column' && isJsonb(value) ? documentAt(value.shape, phi) : null
}

/** A string in the statement, perhaps cast to the type that it is read as anyway. */
function constantOf({ node }: Pick<Operand, 'node'>, type: string, context: AnalysisContext): string | null {
  if (node === undefined || !('TypeCast' in node)) return stringLiteral(node)
  return builtInType(node.TypeCast.typeName, context) === type ? stringLiteral(node.TypeCast.arg) : null
}
