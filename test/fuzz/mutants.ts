/** A defect: one branch of the masking taken out. */
export interface Mutant {
  readonly name: string
  /** Below `src/`. */
  readonly file: string
  /** What is replaced, each of it exactly once in the file. */
  readonly edits: readonly (readonly [from: string, to: string])[]
  /** Whether it takes identifiers that leave as tokens to see it. */
  readonly tokens?: true
}

const FLOW = 'inspect/sql/flow'

export const one = (name: string, file: string, from: string, to: string): Mutant => ({
  name,
  file,
  edits: [[from, to]],
})

/** What the fuzzer has to catch, one at a time; those of tokens are in `token-mutants.ts`. */
export const MUTANTS: readonly Mutant[] = [
  // ---- where values go
  one(
    'the results of CASE are clean',
    `${FLOW}/expressions/case-expression.ts`,
    'const chosen = detached(merged(results))',
    'const chosen = CLEAN',
  ),
  one(
    'only the first argument of COALESCE counts',
    `${FLOW}/expressions/expression.ts`,
    'values(node.CoalesceExpr.args, place)',
    '[...values(node.CoalesceExpr.args, place)].slice(0, 1)',
  ),
  one(
    'one clean operand launders the others',
    `${FLOW}/values/value.ts`,
    'return tainted.length === 0 ? CLEAN',
    'return tainted.length < values.length ? CLEAN',
  ),
  one(
    'a cast launders',
    `${FLOW}/expressions/cast.ts`,
    'if (shape === null) return withConstants(worst([value]), value)',
    'if (shape === null) return NULL_VALUE',
  ),
  one(
    'an alternative that is clean makes all of them clean',
    `${FLOW}/values/shape.ts`,
    'if (isClean(b)) return mixed(a)\n',
    'if (isClean(b)) return b\n',
  ),
  {
    name: 'columns of WITH are clean',
    file: `${FLOW}/statements/with.ts`,
    edits: [
      [
        'return { result: this.#result, recursive',
        'return { result: { ...this.#result, shape: derivedShape(this.#result.shape.columns.map(({ name }) => ({ name, value: CLEAN }))) }, recursive',
      ],
      ['import {\n  type CommonTable,', 'import {\n  CLEAN,\n  type CommonTable,'],
    ],
  },
  one(
    'a query in an expression is clean',
    `${FLOW}/expressions/sub-link.ts`,
    "if (subLinkType !== 'ARRAY_SUBLINK') return only",
    "if (subLinkType !== 'ARRAY_SUBLINK') return CLEAN",
  ),
  one(
    'of a set operation only the first branch counts',
    `${FLOW}/statements/select.ts`,
    'branchesValue(node, parts.map(valueOf))',
    'branchesValue(node, parts.slice(0, 1).map(valueOf))',
  ),
  one(
    'an array is clean',
    `${FLOW}/expressions/expression.ts`,
    'return arrayOf(merged(values(node.A_ArrayExpr.elements, place)))',
    'return CLEAN',
  ),
  one(
    'a row is clean',
    `${FLOW}/expressions/expression.ts`,
    'return rowExpression(node.RowExpr, place)',
    'return CLEAN',
  ),
  one(
    'a field or an element is clean',
    `${FLOW}/expressions/expression.ts`,
    'return indirection(node.A_Indirection, place)',
    'return CLEAN',
  ),
  one(
    'array_agg is clean',
    `${FLOW}/expressions/shape-functions.ts`,
    "['array_agg', listed]",
    "['array_agg', () => CLEAN]",
  ),
  one(
    'min is clean',
    `${FLOW}/expressions/shape-functions.ts`,
    "['min', first((value, { phi }) => extreme(value, phi))]",
    "['min', () => CLEAN]",
  ),
  one('lag is clean', `${FLOW}/expressions/shape-functions.ts`, "['lag', neighbour]", "['lag', () => CLEAN]"),
  one('unnest is clean', `${FLOW}/expressions/shape-functions.ts`, "['unnest', anyElement]", "['unnest', () => CLEAN]"),
  one('to_jsonb is clean', `${FLOW}/expressions/shape-functions.ts`, "['to_jsonb', json]", "['to_jsonb', () => CLEAN]"),
  one(
    'jsonb_agg is clean',
    `${FLOW}/expressions/shape-functions.ts`,
    "['jsonb_agg', listedJson]",
    "['jsonb_agg', () => CLEAN]",
  ),
  one(
    'members that a builder names are clean',
    `${FLOW}/expressions/json-object.ts`,
    'else members.set(name, mergedShape([...present(members.get(name)), shape], whole))',
    "else members.set(name, { kind: 'clean' })",
  ),
  one(
    'the constructor JSON_OBJECT is clean',
    `${FLOW}/expressions/json-xml.ts`,
    'return constructed(output, builtObject(pairs), place)',
    'return CLEAN',
  ),
  one(
    'a member of a document is clean',
    `${FLOW}/expressions/operator-value.ts`,
    "    case '->':\n      return child(value, key, context)",
    "    case '->':\n      return detached({ ...value, tainted: false, shape: { kind: 'clean' } })",
  ),
  one(
    'columns of views are clean',
    `${FLOW}/definitions/view-definition.ts`,
    'return { ...copied(value), origin: isCopy',
    'return { ...CLEAN, origin: isCopy',
  ),
  one(
    'what a function in SQL returns is clean',
    `${FLOW}/definitions/sql-function.ts`,
    'value: answers === null ? value : worst([value, taintedBy(answers)])',
    "value: { ...value, tainted: false, shape: { kind: 'clean' } }",
  ),
  {
    name: 'what RETURNING computes is clean',
    file: `${FLOW}/statements/dml.ts`,
    edits: [
      [
        'return { shape: derivedShape(list.columns, list.open), control',
        'return { shape: derivedShape(list.columns.map(({ name }) => ({ name, value: CLEAN }))), control',
      ],
    ],
  },
  one(
    'PHI may be written anywhere',
    `${FLOW}/statements/write-target.ts`,
    'if (value.tainted && !this.#masks(column, value))',
    'if (false)',
  ),
  // ---- what is asked
  one(
    'conditions are not asked about',
    `${FLOW}/questions/predicate.ts`,
    "    ask('condition', value, false, place)\n",
    '',
  ),
  one('HAVING is not looked at', `${FLOW}/statements/select.ts`, 'predicates.add(node.havingClause, place)', ''),
  one('ON is not looked at', `${FLOW}/from/join.ts`, 'context.predicates.add(join.quals, place)', ''),
  {
    name: 'FILTER is not looked at',
    file: `${FLOW}/questions/call-questions.ts`,
    edits: [
      ["  ask('condition', condition, false, place)\n", ''],
      ['return worst([condition, offsets, ...keys])', 'return worst([offsets, ...keys])'],
    ],
  },
  one(
    'a condition of CASE is not asked about',
    `${FLOW}/expressions/case-expression.ts`,
    "  ask('condition', value, false, place)\n",
    '',
  ),
  one(
    'ORDER BY is not looked at',
    `${FLOW}/questions/row-keys.ts`,
    '  for (const key of keysIn(node.sortClause)) addKey(sortKey(key, place), outputOf(key, list), askOrder)\n',
    '',
  ),
  one(
    'whatever is grouped by counts as the value itself',
    `${FLOW}/questions/released-form.ts`,
    "return exact !== null || part?.kind === 'year'",
    "return true || part?.kind === 'year'",
  ),
  one(
    'branches of a set operation are not compared',
    `${FLOW}/questions/row-keys.ts`,
    'if (!comparesRows(node)) return\n',
    'return\n',
  ),
  one('casts do not fail', `${FLOW}/expressions/expression.ts`, '  askCast(node, value, place)\n', ''),
  one(
    'operators do not fail',
    `${FLOW}/questions/quiet-operators.ts`,
    '  switch (expr.kind) {',
    '  if (operator !== null) return null\n  switch (expr.kind) {',
  ),
  one(
    'functions do not fail',
    `${FLOW}/questions/call-questions.ts`,
    "  if (!isQuiet(call, args, place)) ask('computation', about, false, place)\n",
    '',
  ),
  one(
    'a released year may begin in any month',
    `${FLOW}/questions/released-form.ts`,
    '  if (edge === null) return false\n',
    '  if (edge === null) return true\n',
  ),
  one(
    'any prefix counts as released',
    `${FLOW}/questions/released-form.ts`,
    "among?.has(stringLiteral(node) ?? '') === true",
    'among !== undefined',
  ),
  one(
    'any age counts as released',
    `${FLOW}/questions/released-form.ts`,
    'isBetween(operator, years, 0, age.below - 1)',
    'isBetween(operator, years, 0, 999)',
  ),
  one(
    'columns of different classes may be compared',
    `${FLOW}/questions/released-form.ts`,
    '  const [only] = a.classes\n',
    '  if (a.tainted) return true\n  const [only] = a.classes\n',
  ),
  one(
    'the policy allows every question',
    'decide/question-findings.ts',
    "      return released ? null : 'beyond'",
    '      return null',
  ),
  one(
    'questions about several classes are allowed',
    'decide/question-findings.ts',
    '  if (clearance.clearsEverything) return []\n',
    '  if (clearance.clearsEverything || questions.every(({ classes }) => classes.length > 1)) return []\n',
  ),
  // ---- how it is masked
  one(
    'results in binary format are not masked',
    'mask/compile-plan.ts',
    "shape.kind === 'clean' ? 'pass'",
    "shape.kind === 'clean' || column.format === 1 ? 'pass'",
  ),
  one(
    'columns without a label pass',
    'mask/compile-plan.ts',
    "    case 'unlabelled':\n      return UNPROVEN_SHAPE",
    "    case 'unlabelled':\n      return CLEAN",
  ),
  one(
    'arrays are not masked',
    'mask/value-masker.ts',
    "  if (form.kind === 'array') {\n",
    "  if (form.kind === 'array') {\n    return 'pass'\n",
  ),
  one(
    'composite values are not masked',
    'mask/value-masker.ts',
    'return compositeMasker(types,',
    "return 'pass'\n  return compositeMasker(types,",
  ),
  one(
    'a field of COPY is masked as the one behind it',
    'mask/copy/row-rewriter.ts',
    'const masker = cells[i]\n',
    'const masker = cells[i + 1]\n',
  ),
  one(
    'quoted fields of CSV are not masked',
    'mask/copy/csv-row.ts',
    'isQuoted(source, start, end) ? maskQuoted(masker, source, start + 1, end - 1) : masker',
    'isQuoted(source, start, end) ? source.subarray(start + 1, end - 1) : masker',
  ),
  one(
    'fields of COPY with a backslash are not masked',
    'mask/copy/text-row.ts',
    '      const value = unescaped(source, start, end)\n      return masker(value, 0, value.length)',
    '      return source.subarray(start, end)',
  ),
  one(
    'names of members of documents are not masked',
    'mask/json/json-masker.ts',
    'if (found === undefined && hides(mask, source, at + 1, after - 1))',
    'if (false)',
  ),
  one(
    'numbers in documents are not masked',
    'mask/json/json-masker.ts',
    "        if (after >= 0 && mask.kind !== 'pass')\n          this.#replace(source, at, after, maskedNumber",
    '        if (false)\n          this.#replace(source, at, after, maskedNumber',
  ),
  one(
    'what is in an object in place of a text is not masked',
    'mask/json/json-masker.ts',
    'if (!open) this.#hide(',
    'if (false) this.#hide(',
  ),
  one(
    'any ZIP prefix is shown',
    'phi/transforms/zip3.ts',
    'const kept = ZIP3_ALLOWED.has(prefix) ? prefix : 0',
    'const kept = prefix',
  ),
  one(
    'years of birth of the oldest are shown',
    'phi/age-rule.ts',
    "return phiClass === 'date-of-death' ? 1 : currentYear - OLDEST_AGE",
    'return 1',
  ),
  one('ages from 90 are shown', 'phi/age-rule.ts', 'const OLDEST_AGE = 89', 'const OLDEST_AGE = 150'),
]

/** Names of the few that are tried on every run: they are found soon, and each is of another kind. */
export const QUICK: ReadonlySet<string> = new Set([
  'columns of WITH are clean',
  'a query in an expression is clean',
  'FILTER is not looked at',
  'functions do not fail',
  'results in binary format are not masked',
])
