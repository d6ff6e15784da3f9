import { type ASTNode, Environment } from '@marcbachmann/cel-js'

/** What is wrong with a condition; `index` is the position in its text. */
export interface ConditionFault {
  readonly message: string
  readonly index: number
}

/** A type-checked CEL condition. `holds` throws when it cannot be evaluated. */
export interface Condition {
  readonly text: string
  holds(variables: Readonly<Record<string, unknown>>): boolean
}

/** Conditions are small; these bounds stop accidents, not features (CEL specification, "Gas limits"). */
const LIMITS = { maxAstNodes: 2000, maxDepth: 64, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 }

/** What conditions see. docs/configuration.md describes each; `condition-variables.ts` fills them. */
const ENVIRONMENT = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS })
  .registerType({
    name: 'Relation',
    schema: {
      schema: 'string',
      name: 'string',
      action: 'string',
      phi: 'bool',
      touchesPhi: 'bool',
      columns: 'list<string>',
    },
  })
  .registerType({ name: 'Hazard', schema: { kind: 'string', subject: 'string' } })
  .registerType({
    name: 'PhiQuestion',
    schema: { use: 'string', released: 'bool', classes: 'list<string>', columns: 'list<string>' },
  })
  .registerVariable({
    name: 'principal',
    schema: { issuer: 'string', subject: 'string', kind: 'string', groups: 'list<string>' },
  })
  .registerVariable('target', 'string')
  .registerVariable('masked', 'bool')
  .registerVariable('seesPhi', 'bool')
  .registerVariable('command', 'string')
  .registerVariable('effects', 'list<string>')
  .registerVariable('relations', 'list<Relation>')
  .registerVariable('functions', 'list<string>')
  .registerVariable('bounded', 'string')
  .registerVariable('limited', 'bool')
  .registerVariable('onlyTemporaryObjects', 'bool')
  .registerVariable('hazards', 'list<Hazard>')
  .registerVariable('phiQuestions', 'list<PhiQuestion>')
  .registerVariable('statements', 'int')

/** Names of the variables, for tests that compare them with the documentation. */
export const CONDITION_VARIABLES: readonly string[] = [
  'principal',
  'target',
  'masked',
  'seesPhi',
  'command',
  'effects',
  'relations',
  'functions',
  'bounded',
  'limited',
  'onlyTemporaryObjects',
  'hazards',
  'phiQuestions',
  'statements',
]

/** Parses and type-checks a condition. It must be a bool. */
export function compileCondition(text: string): Condition | ConditionFault {
  const { valid, type, error } = ENVIRONMENT.check(text)
  if (!valid)
    return {
      message: `the condition is not valid: ${error?.summary ?? 'unknown reason'}.`,
      index: error?.range?.start ?? 0,
    }
  if (type !== 'bool') return { message: `the condition must be a bool, and is ${type ?? 'unknown'}.`, index: 0 }
  const evaluate = ENVIRONMENT.parse(text)
  const matches = findMethod(evaluate.ast, 'matches')
  if (matches !== undefined) {
    const message = 'matches() is not available: its regular expressions can take unbounded time. '
    return { message: `${message}Use ==, in, startsWith(), endsWith() or contains().`, index: matches.range.start }
  }
  return {
    text,
    holds: (variables) => {
      const result: unknown = evaluate(variables)
      if (typeof result !== 'boolean') throw new TypeError('the condition did not give a bool')
      return result
    },
  }
}

function findMethod(node: ASTNode, name: string): ASTNode | undefined {
  if ((node.op === 'rcall' || node.op === 'call') && node.args[0] === name) return node
  for (const child of children(node.args)) {
    const found = findMethod(child, name)
    if (found !== undefined) return found
  }
  return undefined
}

function children(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(children)
  return isNode(args) ? [args] : []
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value
