import { type Mutant, one } from './mutants.ts'

const FLOW = 'inspect/sql/flow'
const CONSTANTS = 'session/constants'

const seen = (name: string, file: string, from: string, to: string): Mutant => ({
  ...one(name, file, from, to),
  tokens: true,
})

/** Defects of what tokens add, each found with the gateway whose identifiers leave as tokens. */
export const TOKEN_MUTANTS: readonly Mutant[] = [
  // ---- what may be taken for its value
  seen(
    'any comparison takes tokens for their values',
    `${FLOW}/questions/comparison.ts`,
    "const isEquality = operator === '=' || operator === '<>'",
    'const isEquality = true',
  ),
  seen(
    'a literal of other use is taken for its value',
    `${FLOW}/sites/site-list.ts`,
    'if (constant.parameter === null && isResolved(constant) && !isOnlyOfUse(constant))',
    'if (false)',
  ),
  seen(
    'a parameter of other use is taken for its value',
    `${FLOW}/sites/site-list.ts`,
    'if (all.some((one) => one !== undefined && isResolved(one)) && !areOfOneUse(all))',
    'if (false)',
  ),
  seen(
    'a plan resolves its constants',
    `${FLOW}/analyse-flow.ts`,
    "  if ('DeclareCursorStmt' in statement) {\n",
    "  if ('ExplainStmt' in statement) {\n    const { query } = statement.ExplainStmt\n    return query === undefined ? null : placesIn(query, places)\n  }\n  if ('DeclareCursorStmt' in statement) {\n",
  ),
  seen(
    'plans of prepared statements are shown',
    `${FLOW}/statements/explain.ts`,
    'const isPrepared = node.query',
    'const isPrepared = false && node.query',
  ),
  seen(
    'the class of a token does not count',
    'vault/scoped-tokens.ts',
    'return known.phiClass === phiClass ? known.value : undefined',
    'return known.value',
  ),
  seen(
    'whether a value fits does not count',
    `${CONSTANTS}/settle-constants.ts`,
    'read.values[value]?.fits(real) === true',
    'true',
  ),
  // ---- what may be asked and shown
  seen(
    'values may be compared',
    `${CONSTANTS}/judge-constant.ts`,
    "if (policy === 'any') return LEAVE",
    'return LEAVE',
  ),
  seen(
    'parameters in binary format are not looked at',
    `${CONSTANTS}/resolve-parameters.ts`,
    'if (bound === undefined || bound.value === null) return []',
    'if (bound === undefined || bound.value === null || bound.format === 1) return []',
  ),
  seen(
    'arguments of EXECUTE are not looked at',
    'inspect/sql/execute.ts',
    'questions: isCompared ? questions.map(asValue) : questions',
    'questions',
  ),
  seen(
    'values in a column of constants may be compared',
    `${FLOW}/sites/stand-in-value.ts`,
    "  if (isCompared) uses.push('comparison')\n",
    '',
  ),
  seen(
    'what is mixed with constants has tokens',
    `${FLOW}/values/shape.ts`,
    'return { ...shape, mixed: true }',
    'return shape',
  ),
  seen(
    'positions are those of what was sent',
    'protocols/postgres/target-reports.ts',
    'return sent === undefined ? position : askedPosition(sent, position)',
    'return position',
  ),
  seen('rows are not waited for', 'protocols/postgres/result-rows.ts', 'if (!pending.isLacking) {', 'if (true) {'),
  // ---- what may be stored
  seen(
    'what is a part of what is stored is not looked at',
    `${CONSTANTS}/judge-constant.ts`,
    'return embedded(reading)',
    'return LEAVE',
  ),
  seen(
    'placeholders may be stored',
    `${CONSTANTS}/judge-constant.ts`,
    "    case 'malformed':\n      return { kind: 'refuse', why: 'unknown' }\n    case 'placeholder':\n    case 'embedding':\n",
    "    case 'malformed':\n      return { kind: 'refuse', why: 'unknown' }\n    case 'placeholder':\n      return LEAVE\n    case 'embedding':\n",
  ),
  seen(
    'unknown tokens may be stored',
    `${CONSTANTS}/settle-constants.ts`,
    "if (use !== 'comparison') refused ??= this.#rules.refusal('unknown', column)",
    '',
  ),
  seen(
    'documents that are stored are not looked at',
    `${CONSTANTS}/read-document.ts`,
    'composed(source, reader.parts)',
    'composed(source, [])',
  ),
  seen(
    'rows of COPY are stored as they come',
    'session/copy-in/copy-in.ts',
    'if (cells.length === 0) return joined(rows, rest)',
    'if (true) return joined(rows, rest)',
  ),
]

/** Names of the few that are tried on every run. */
export const QUICK_TOKEN_MUTANTS: ReadonlySet<string> = new Set([
  'any comparison takes tokens for their values',
  'values may be compared',
  'rows of COPY are stored as they come',
])
