import { nameParts } from '../../syntax-tree.ts'
import { builtInFunction } from '../known/built-in.ts'
import { constantText, integerLiteral, stringLiteral } from '../expressions/constants.ts'
import type { AnalysisContext } from '../context.ts'
import { isConstant } from '../expressions/is-constant.ts'
import { filteredPath } from '../expressions/json-filter.ts'
import { showsSteps, showsTexts } from '../expressions/json-path.ts'
import { isNumeric, partOf } from './released-part.ts'
import type { Operand } from './released-form.ts'
import { showsElements, showsMember } from './shown-members.ts'
import { areFree } from './shown-parts.ts'
import { words } from '../words.ts'

/** Whether an argument may be what it is. */
type Check = (argument: Operand, context: AnalysisContext) => boolean

/**
 * What may stand where. Only what is said of PHI matters: an argument free of PHI fails, or not, whatever the PHI is.
 * `v` anything; `d` a document or an array; `o` a document whose members have known names; `c` free of PHI; `k` the same in every row; `i` an integer in the statement; `s` a string in the statement;
 * `w` a short width; `n` a number that sums cannot overflow; `f` a format of %s alone; `u` the name of UTF8; `p` a plain regular
 * expression.
 */
const CHECKS: Readonly<Record<string, Check>> = {
  v: () => true,
  d: ({ value }) => showsElements(value),
  o: ({ value }, { phi }) => showsMember(value, null, phi),
  c: ({ value }) => !value.tainted,
  k: ({ node }) => isConstant(node),
  i: ({ node }) => integerLiteral(node) !== null,
  s: ({ node }) => stringLiteral(node) !== null,
  w: ({ node }) => Math.abs(integerLiteral(node) ?? MAX_WIDTH) < MAX_WIDTH,
  n: isBoundedNumber,
  f: ({ node }) => /^(?:[^%]|%%|%s)*$/.test(stringLiteral(node) ?? '%'),
  u: ({ node }) => /^utf-?8$/i.test(constantText(node) ?? ''),
  p: ({ node }) => /^\^?(?:\\[dDwWsS]|\[\^?[-\w ]+\]|[\w ])[+*]?\$?$/.test(stringLiteral(node) ?? ''),
}

const MAX_WIDTH = 1000

/** Quiet functions whose results are numbers of the same kind, or lengths. */
const NUMBERS: ReadonlySet<string> = new Set(
  words(`avg bit_length ceil ceiling char_length character_length count date_part extract floor length octet_length
  percentile_cont round sign stddev stddev_pop stddev_samp sum trunc var_pop var_samp variance`),
)

function isBoundedNumber({ node, value }: Operand, context: AnalysisContext): boolean {
  if (!value.tainted || isNumeric(value.exact) || partOf(value)?.kind === 'year') return true
  // If it is not quiet, that has been asked already.
  if (node === undefined || !('FuncCall' in node)) return false
  return NUMBERS.has(builtInFunction(nameParts(node.FuncCall.funcname), context) ?? '')
}

/**
 * Functions of pg_catalog that tell nothing of PHI but by their result, which is masked.
 *
 * Criterion: they never fail for reasons that lie in the value of an argument (but for its structure: an array, an object), take
 * no longer for one value than for another of its length, return one row or as many as the argument has elements, return an
 * array of as many elements as the argument, and return NULL exactly when an argument is NULL (or, of JSON and arrays, when
 * the place asked for is absent). So not here: what reads text as something else (to_date, decode), arithmetic (overflow),
 * regular expressions, what repeats, what looks for values (array_position, array_remove) and what splits.
 *
 * The letters say what may stand where; the last one repeats after `*`.
 */
const FORMS: readonly (readonly [form: string, names: string])[] = [
  // Text and bytes
  [
    'v',
    `ascii bit_length casefold char_length character_length initcap length lower md5 octet_length quote_ident quote_literal
    quote_nullable reverse sha224 sha256 sha384 sha512 to_bin to_hex to_oct upper crc32 crc32c hashtext`,
  ],
  ['vs', 'is_normalized normalize'],
  ['vi', 'hashtextextended'],
  ['v', 'btrim ltrim rtrim'],
  ['vk', 'btrim ltrim rtrim starts_with'],
  ['vc', 'left right'],
  ['vv', 'position strpos'],
  ['vc', 'substr'],
  ['vcc', 'substr split_part'],
  ['vi', 'substring'],
  ['vii', 'substring'],
  ['vvc', 'overlay'],
  ['vvcc', 'overlay'],
  ['vkk', 'replace translate'],
  ['vw', 'lpad rpad'],
  ['vwk', 'lpad rpad'],
  ['vpk', 'regexp_replace'],
  ['vpks', 'regexp_replace'],
  ['f', 'format'],
  ['fv*', 'format'],
  ['v*', 'concat concat_ws'],
  ['vs', 'encode'],
  ['vu', 'convert_to'],
  // Dates
  ['sv', 'date_part date_trunc extract'],
  ['sv', 'timezone'],
  ['vs', 'to_char'],
  ['v', 'age isfinite'],
  ['vv', 'age'],
  // Numbers
  ['n', 'ceil ceiling floor round sign trunc'],
  ['nw', 'round trunc'],
  // JSON
  [
    'v',
    `json_strip_nulls json_typeof jsonb_pretty jsonb_strip_nulls jsonb_typeof row_to_json to_json to_jsonb array_to_json
    json_array_length jsonb_array_length`,
  ],
  ['vk', 'row_to_json array_to_json json_strip_nulls jsonb_strip_nulls'],
  ['v*', 'json_build_array json_build_object jsonb_build_array jsonb_build_object'],
  ['', 'json_build_array json_build_object jsonb_build_array jsonb_build_object'],
  ['dkv', 'jsonb_set'],
  ['dkvk', 'jsonb_set'],
  ['d', 'json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text'],
  ['o', 'json_each json_each_text json_object_keys jsonb_each jsonb_each_text jsonb_object_keys'],
  // Arrays and rows
  ['v', 'array_dims array_ndims array_reverse cardinality'],
  ['vc', 'array_length array_lower array_upper'],
  ['vv', 'array_append array_cat array_prepend'],
  ['vk', 'array_to_string'],
  ['vkk', 'array_to_string'],
  ['d*', 'unnest'],
  ['v*', 'num_nonnulls num_nulls'],
  // Network addresses, types
  ['v', 'abbrev broadcast family host hostmask masklen netmask network pg_column_size pg_typeof'],
  // Aggregates and window functions; the keys of WITHIN GROUP come after the arguments
  [
    'v',
    `any_value array_agg bool_and bool_or count every first_value json_agg json_agg_strict jsonb_agg jsonb_agg_strict lag last_value
    lead max min mode percentile_disc xmlagg`,
  ],
  ['vc', 'string_agg nth_value lag lead'],
  ['vcv', 'lag lead'],
  ['vv', 'json_object_agg jsonb_object_agg'],
  ['n', 'avg stddev stddev_pop stddev_samp sum var_pop var_samp variance'],
  ['kv', 'percentile_disc'],
  ['kn', 'percentile_cont'],
  ['kv', 'cume_dist dense_rank percent_rank rank'],
]

const QUIET: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(
    Object.groupBy(
      FORMS.flatMap(([form, names]) => words(names).map((name) => ({ name, form }))),
      ({ name }) => name,
    ),
  ).map(([name, entries = []]) => [name, entries.map(({ form }) => form)]),
)

/** Names of the functions of the list, for tests. */
export const QUIET_FUNCTIONS: readonly string[] = [...QUIET.keys()]

/** Whether a call of a built-in function with PHI in its arguments tells of it by its result alone. */
export function isQuietCall(name: string, args: readonly Operand[], context: AnalysisContext): boolean {
  return (QUIET.get(name) ?? []).some((form) => fits(form, args, context)) || isQuietPath(name, args, context)
}

const EXTRACT_PATH: ReadonlySet<string> = new Set(
  words('json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text'),
)
const PATH_QUERY: ReadonlySet<string> = new Set(words('jsonb_path_query jsonb_path_query_array jsonb_path_query_first'))

/** Whether a path goes where it can be seen in the masked document what is there. */
function isQuietPath(name: string, args: readonly Operand[], { phi }: AnalysisContext): boolean {
  const [document, ...path] = args
  if (document === undefined || path.some(({ value }) => value.tainted)) return false
  const { value } = document
  if (EXTRACT_PATH.has(name)) {
    const names = path.map(({ node }) => constantText(node))
    const known = names.filter((one) => one !== null)
    return showsElements(value) && known.length === names.length && showsTexts(value, known, phi)
  }
  if (!PATH_QUERY.has(name) || path.length !== 1) return false
  const found = filteredPath(stringLiteral(path[0]?.node) ?? '')
  return found !== null && areFree(value, found.asked, phi) && showsSteps(value, found.steps, phi)
}

function fits(form: string, args: readonly Operand[], context: AnalysisContext): boolean {
  const repeats = form.endsWith('*')
  const letters = repeats ? form.slice(0, -1) : form
  if (repeats ? args.length < letters.length : args.length !== letters.length) return false
  return args.every((argument, i) => {
    const letter = letters[Math.min(i, letters.length - 1)] ?? ''
    return CHECKS[letter]?.(argument, context) === true
  })
}
