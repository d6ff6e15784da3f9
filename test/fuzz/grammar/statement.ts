import type { Choices } from '../choices.ts'
import { plainConstant } from './constant.ts'
import { Draft, type Query } from './draft.ts'
import { focusedQuery } from './focused.ts'
import { scalarQuery, wholeQuery } from './query.ts'
import { peopleAs } from './source.ts'
import type { Parameter } from './token-constant.ts'
import { tokenStatement } from './token-statement.ts'

/** How a statement is sent and its answer is fetched. */
export const WAYS = ['simple', 'text', 'binary', 'undescribed', 'again', 'pieces'] as const
export type Way = (typeof WAYS)[number]

export interface Statement {
  /** Sent one after the other; all but the last one simply. */
  readonly texts: readonly string[]
  readonly way: Way
  /** Whether something that it uses is PHI. */
  readonly phi: boolean
  /** Whether the rows have to come in the same order whatever the PHI is. */
  readonly stable: boolean
  /** For the last text. With references, as the texts. */
  readonly parameters?: readonly Parameter[]
  /** The rows of COPY … FROM STDIN. */
  readonly copy?: string
  /** Whether the gateway has to answer as the server does when it is given the values in place of their tokens. */
  readonly exact?: boolean
}

/** The statement that some choices lead to. With tokens it may have references: see `references.ts`. */
export function statement(choices: Choices, tokens = false): Statement {
  if (tokens && !choices.chance(35)) return tokenStatement(choices, WAYS)
  const draft = new Draft(choices, tokens)
  const depth = choices.pick([1, 2, 2, 3, 3, 4, 5])
  const query = !draft.clean && choices.chance(40) ? focusedQuery(draft, peopleAs) : wholeQuery(draft, depth)
  const way = choices.pick(WAYS)
  const plain = (): Statement => ({ texts: [query.sql], way, phi: query.phi, stable: query.stable })
  return choices.weighted<Statement>([
    [14, plain],
    [4, () => ({ ...plain(), texts: [`COPY (${query.sql}) TO STDOUT${copyOptions(choices)}`], way: 'simple' })],
    [1, () => ({ ...plain(), texts: [`PREPARE p AS ${query.sql}`, 'EXECUTE p'] })],
    [
      1,
      () => ({
        ...plain(),
        // Which rows are the first hundred is not known of rows in any order.
        texts: [
          'BEGIN',
          `DECLARE c CURSOR FOR ${query.sql}`,
          `FETCH ${choices.pick(['ALL', query.stable ? 'FORWARD 100' : 'ALL'])} FROM c`,
        ],
      }),
    ],
    [1, () => copyOfTable(choices, draft)],
    [
      1,
      () => ({
        ...plain(),
        texts: [`EXPLAIN (COSTS off${choices.pick(['', ', VERBOSE', ', FORMAT JSON'])}) ${query.sql}`],
        phi: true,
      }),
    ],
    [2, () => changed(draft, query, way)],
  ])
}

const copyOptions = (choices: Choices): string =>
  choices.pick([
    '',
    ' (FORMAT csv)',
    ' (FORMAT csv, HEADER)',
    " (FORMAT csv, FORCE_QUOTE *, DELIMITER ';')",
    " (DELIMITER ',', NULL 'none')",
    ` (FORMAT csv, QUOTE '''', ESCAPE '\\')`,
    ' (FORMAT binary)',
  ])

const TABLES = [
  'patient',
  'visit',
  'patient (id, name, ward)',
  'visit (referrer, kind)',
  'lab_north',
  'patient (zip, contact, tags, sex)',
]

function copyOfTable(choices: Choices, draft: Draft): Statement {
  const table = draft.clean ? choices.pick(['item', 'patient (id, ward)', 'visit (kind, id)']) : choices.pick(TABLES)
  return {
    texts: [`COPY clinic.${table} TO STDOUT${copyOptions(choices)}`],
    way: 'simple',
    phi: !draft.clean,
    stable: true,
  }
}

/** What changes rows of a table that has no PHI, and tells something of them; it is taken back. */
function changed(draft: Draft, query: Query, way: Way): Statement {
  const { choices } = draft
  const scope = { relations: [], outer: undefined }
  // What WITH has named is known inside of the query only.
  draft.named.length = 0
  const shown = scalarQuery(draft, choices.pick(['text', 'date', 'json'] as const), scope, 3, draft.clean)
  const [first] = query.columns
  const returning = `RETURNING id, label, ${shown?.sql ?? plainConstant(choices, 'text')} AS shown`
  const clean = !query.phi && shown?.phi !== true
  // One of the rows of the query is used, the first one that comes: with PHI in their order, that is a limit of plans that
  // docs/masking.md names, and nothing to find.
  const ofOneRow = [
    `UPDATE clinic.basket AS i SET label = 'new' FROM (${query.sql}) AS q WHERE i.id = 1 RETURNING i.id, q.*`,
    `DELETE FROM clinic.basket USING (${query.sql}) AS q WHERE id = 2 RETURNING q, id`,
    `INSERT INTO clinic.basket (id, label) SELECT 91, (${first?.name ?? "'x'"})::text FROM (${query.sql}) AS q LIMIT 1 ${returning}`,
  ]
  const sql = choices.pick([
    `INSERT INTO clinic.basket (id, label) VALUES (90, 'ninety') ${returning}`,
    ...(query.stable ? ofOneRow : []),
    `WITH gone AS (DELETE FROM clinic.basket WHERE id = 3 RETURNING id) SELECT gone.id, q.* FROM gone, (${query.sql}) AS q`,
    `MERGE INTO clinic.basket AS i USING (${query.sql}) AS q ON i.id = 1 WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN DO NOTHING RETURNING i.id`,
    `CREATE TEMP TABLE t AS ${query.sql}`,
    `SELECT set_config('application_name', (${shown?.sql ?? "'x'"})::text, true)`,
  ])
  return { texts: ['BEGIN', sql], way, phi: !clean || sql.includes('set_config'), stable: query.stable }
}

/** The statement as one text, for whoever wants to try it. */
export function shownStatement({ texts, way, parameters = [], copy }: Statement): string {
  const bound = parameters.map(
    ({ text, type, format, declared }, index) =>
      ` $${index + 1}=${JSON.stringify(text)} ${declared ? type : 'undeclared'} ${format === 1 ? 'binary' : 'text'}`,
  )
  return `${texts.join('; ')} -- ${way}${bound.join(',')}${copy === undefined ? '' : ` ${JSON.stringify(copy)}`}`
}
