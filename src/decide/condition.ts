import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js'
import {
  HazardValue,
  MemberValue,
  NowValue,
  PatientsValue,
  PhiQuestionValue,
  ReadingValue,
  RecentValue,
  RelationValue,
} from './condition-values.ts'

/** What is wrong with a condition; `index` is the position in its text. */
export interface ConditionFault {
  readonly message: string
  readonly index: number
}

/** A type-checked CEL condition. `holds` throws when it cannot be evaluated. */
export interface Condition {
  readonly text: string
  /** Circumstances that it asks for; empty: the facts are enough. */
  readonly circumstances: readonly CircumstanceName[]
  /** The part of it that needs no circumstances, where that can be told apart: if it does not hold, neither does the whole. */
  readonly guard: Condition | undefined
  holds(variables: Readonly<Record<string, unknown>>): boolean
}

/** Conditions are small; these bounds stop accidents, not features (CEL specification, "Gas limits"). */
const LIMITS = { maxAstNodes: 2000, maxDepth: 64, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 }

const MEMBER = { issuer: 'string', subject: 'string', kind: 'string', groups: 'list<string>' }
const RELATION = {
  schema: 'string',
  name: 'string',
  action: 'string',
  phi: 'bool',
  touchesPhi: 'bool',
  columns: 'list<string>',
}
const PHI_QUESTION = { use: 'string', released: 'bool', classes: 'list<string>', columns: 'list<string>' }
const RECENT = { statements: 'int', rows: 'int', patients: 'int', refusals: 'int', pagedRows: 'int' }

/** What conditions see. docs/configuration.md describes each; `condition-variables.ts` fills them. */
const ENVIRONMENT = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS })
  .registerType({ name: 'Member', ctor: MemberValue, fields: MEMBER })
  .registerType({ name: 'Relation', ctor: RelationValue, fields: RELATION })
  .registerType({ name: 'Hazard', ctor: HazardValue, fields: { kind: 'string', subject: 'string' } })
  .registerType({ name: 'PhiQuestion', ctor: PhiQuestionValue, fields: PHI_QUESTION })
  .registerType({ name: 'Reading', ctor: ReadingValue, fields: { bound: 'string', limit: 'int', isPage: 'bool' } })
  .registerType({ name: 'Patients', ctor: PatientsValue, fields: { used: 'bool', bound: 'bool', named: 'bool' } })
  .registerType({ name: 'Recent', ctor: RecentValue, fields: RECENT })
  // Not a timestamp of CEL: the evaluator's own functions go wrong where the clocks of the gateway's own time zone are changed.
  .registerType({ name: 'Now', ctor: NowValue, fields: { seconds: 'int' } })
  .registerFunction('Now.getHours(string): int', (now: NowValue, zone: string) => now.hours(zone))
  .registerFunction('Now.getMinutes(string): int', (now: NowValue, zone: string) => now.minutes(zone))
  .registerFunction('Now.getDayOfWeek(string): int', (now: NowValue, zone: string) => now.dayOfWeek(zone))
  .registerVariable('principal', 'Member')
  .registerVariable('chain', 'list<Member>')
  .registerVariable('purpose', 'string')
  .registerVariable('run', 'string')
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
  .registerVariable('reading', 'Reading')
  .registerVariable('patients', 'Patients')
  .registerVariable('estimatedRows', 'int')
  .registerVariable('recent', 'Recent')
  .registerVariable('now', 'Now')

/** Variables that are not known when a statement is analysed. Rules that use one are evaluated each time it is run. */
const CIRCUMSTANCES = ['estimatedRows', 'recent', 'now'] as const

export type CircumstanceName = (typeof CIRCUMSTANCES)[number]

/** Names of the variables, for tests that compare them with the documentation. */
export const CONDITION_VARIABLES: readonly string[] = [
  'principal',
  'chain',
  'purpose',
  'run',
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
  'reading',
  'patients',
  ...CIRCUMSTANCES,
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
  return conditionOf(text, evaluate)
}

function conditionOf(text: string, evaluate: ParseResult): Condition {
  const named = namesIn(evaluate.ast)
  const circumstances = CIRCUMSTANCES.filter((name) => named.has(name))
  return {
    text,
    circumstances,
    guard: circumstances.length === 0 ? undefined : guardOf(text, evaluate.ast),
    holds: (variables) => {
      const result: unknown = evaluate(variables)
      if (typeof result !== 'boolean') throw new TypeError('the condition did not give a bool')
      return result
    },
  }
}

/** Of `a && b` each part has to hold, whatever the others are. */
function guardOf(text: string, ast: ASTNode): Condition | undefined {
  const parts = conjuncts(ast)
    .filter((part) => CIRCUMSTANCES.every((name) => !namesIn(part).has(name)))
    .map(({ range }) => `(${text.slice(range.start, range.end)})`)
  if (parts.length === 0) return undefined
  const guard = parts.join(' && ')
  const { valid, type } = ENVIRONMENT.check(guard)
  return valid && type === 'bool' ? conditionOf(guard, ENVIRONMENT.parse(guard)) : undefined
}

function conjuncts(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(conjuncts) : [node]
}

/** Every name that could be that of a variable; one that a macro binds (`relations.exists(now, …)`) is taken for it, too. */
function namesIn(node: ASTNode): ReadonlySet<string> {
  return new Set([
    ...(node.op === 'id' ? [node.args] : []),
    ...children(node.args).flatMap((child) => [...namesIn(child)]),
  ])
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
