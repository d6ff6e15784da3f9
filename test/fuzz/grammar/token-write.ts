import { assertNever } from '../../../src/lib/assert-never.ts'
import type { Choices } from '../choices.ts'
import { PATIENTS } from '../twins.ts'
import type { Statement, Way } from './statement.ts'
import {
  CHARTED,
  type Constant,
  isText,
  NAME,
  type Place,
  type TokenColumn,
  type TokenDraft,
} from './token-constant.ts'

/** Stored: whoever stores a value that one side has sees its token, which docs/tokens.md says. */
const STORED: Place = { values: false }

const READ = `SELECT id, ${CHARTED.map(({ name }) => name).join(', ')}, doc ->> 'who' AS who, note FROM clinic.chart`

/** A change of the chart that has a stand-in in it, and what the chart shows afterwards; it is taken back. */
export function changing(draft: TokenDraft, way: Way): Statement {
  const { choices } = draft
  const id = 1 + choices.next(PATIENTS)
  // What is read comes in a known order, what is changed does not.
  const reads = choices.chance(50)
  const shows = (of: TokenColumn): string => (reads ? '' : returning(choices, of))
  const written = choices.weighted<Constant>([
    [5, () => update(draft, id, shows)],
    [4, () => insert(draft, shows)],
    [1, () => merge(draft, id)],
    [1, () => remove(draft, shows)],
  ])
  const { parameters } = draft
  const { genuine, sql } = written
  const exact = genuine && way !== 'binary' && way !== 'again'
  const made = { texts: ['BEGIN', sql], way, phi: true, stable: false, parameters, exact }
  // With values bound the change has to come last.
  if (parameters.length > 0 || !reads) return made
  return { ...made, texts: [...made.texts, `${READ} ORDER BY id`], stable: true }
}

type Shows = (of: TokenColumn) => string

const returning = (choices: Choices, of: TokenColumn): string =>
  choices.pick(['', ` RETURNING c.id, c.${of.name}`, ` RETURNING c.id, c.note, c.${of.name}, c.alias, c.record`])

function update(draft: TokenDraft, id: number, shows: Shows): Constant {
  const { choices } = draft
  const column = draft.column(CHARTED)
  const constant = choices.chance(25) ? fresh(draft, column) : draft.constant(column, STORED)
  const { genuine, sql: x } = constant
  const made = (set: string, isExact = false, from = ''): Constant => ({
    sql: `UPDATE clinic.chart AS c SET ${set}${from === '' ? ` WHERE c.id = ${id}` : from}${shows(column)}`,
    genuine: genuine && isExact,
  })
  const c = column.name
  const who = (): string => draft.content(NAME, STORED, 'json')
  const second = draft.column(CHARTED)
  return choices.weighted<Constant>([
    [6, () => made(`${c} = ${x}`, true)],
    [1, () => made(`${c} = ${x}, note = 'seen'`, true)],
    [1, () => made(`(${c}, note) = (${x}, 'seen')`)],
    [1, () => made(`(${c}, note) = ROW(${x}, 'seen')`)],
    [1, () => made(`${c} = coalesce(${x}, ${c})`)],
    [1, () => made(`${c} = coalesce(c.${c}, ${x})`)],
    [1, () => made(`${c} = CASE WHEN c.id < 6 THEN ${x} ELSE c.${c} END`)],
    [1, () => made(`${c} = (SELECT ${x})`)],
    [1, () => made(`${c} = v.x`, false, ` FROM (VALUES (${id}, ${x}), (2, NULL)) AS v(i, x) WHERE c.id = v.i`)],
    [1, () => made(`${c} = w.x`, false, ` FROM (SELECT ${x} AS x) AS w WHERE c.id = ${id}`)],
    [1, () => made(`note = (${x})::text`)],
    [1, () => made(`note = (${x})::text, ${c} = ${x}`)],
    [column.type === 'uuid' ? 1 : 0, () => made(`made = ${x}`)],
    [column.type === 'int8' ? 1 : 0, () => made(`amount = ${x}`)],
    [1, () => made(`${second.name} = ${x}`)],
    [
      isText(column) ? 2 : 0,
      () => made(`${c} = ${choices.pick([`${x} || 'x'`, `concat(${x}, '')`, `'see ' || ${x}`])}`),
    ],
    [1, () => made(`tags = ARRAY[${draft.constant(NAME, STORED).sql}, 'x']`)],
    [1, () => made(`tags = '{"${draft.content(NAME, STORED, 'list')}"}'`)],
    [1, () => made(`doc = '{"who": "${who()}", "code": "c1"}'`)],
    [1, () => made(`doc = '{"code": "${who()}"}'`)],
    [1, () => made(`doc = jsonb_set(c.doc, '{who}', '"${who()}"')`)],
    [1, () => made(`doc = jsonb_build_object('who', (${x})::text)`)],
    [3, () => made(`born = '${choices.pick(['1955-01-01', '1955-03-04', '1961-01-01'])}'`)],
    [3, () => made(`zip = '${choices.pick(['021', '021**', '02139', '036'])}'`)],
    [
      1,
      () =>
        made(
          `${c} = ${x}`,
          false,
          ` FROM clinic.patient AS p WHERE p.id = c.id AND p.${c} = ${draft.constant(column, STORED).sql}`,
        ),
    ],
    [1, () => made(`${c} = ${x}`, false, ` WHERE c.${c} = ${draft.constant(column, STORED).sql}`)],
  ])
}

function insert(draft: TokenDraft, shows: Shows): Constant {
  const { choices } = draft
  const column = draft.column(CHARTED)
  const c = column.name
  const one = (): Constant => (choices.chance(30) ? fresh(draft, column) : draft.constant(column, STORED))
  const { genuine, sql: x } = one()
  const made = (source: string, isExact = false): Constant => ({
    sql: `INSERT INTO clinic.chart AS c (id, ${c}, note) ${source}${shows(column)}`,
    genuine: genuine && isExact,
  })
  return choices.weighted<Constant>([
    [5, () => made(`VALUES (90, ${x}, 'new')`, true)],
    [1, () => made(`VALUES (90, ${x}, (${x})::text)`)],
    [1, () => made(`VALUES (90, ${x}, 'new'), (91, ${one().sql}, NULL)`)],
    [1, () => made(`SELECT 90, ${x}, 'new'`)],
    [1, () => made(`SELECT 90, v.x, 'new' FROM (VALUES (${x})) AS v(x)`)],
    [1, () => made(`SELECT 90, u.x, 'new' FROM unnest(ARRAY[${x}]) AS u(x)`)],
    [1, () => made(`SELECT 90 + i.id, ${x}, i.label FROM item AS i`)],
    [1, () => made(`SELECT 90, ${x}, 'new' UNION ALL SELECT 91, ${one().sql}, 'new'`)],
    [1, () => made(`VALUES (3, ${x}, 'new') ON CONFLICT (id) DO UPDATE SET ${c} = ${one().sql}`)],
    [1, () => made(`VALUES (3, ${x}, 'new') ON CONFLICT (id) DO UPDATE SET ${c} = EXCLUDED.${c}`)],
  ])
}

function merge(draft: TokenDraft, id: number): Constant {
  const column = draft.column(CHARTED)
  const { sql: x } = draft.constant(column, STORED)
  const c = column.name
  return {
    sql: draft.choices.pick([
      `MERGE INTO clinic.chart AS c USING (VALUES (${id})) AS v(i) ON c.id = v.i WHEN MATCHED THEN UPDATE SET ${c} = ${x}`,
      `MERGE INTO clinic.chart AS c USING (VALUES (90)) AS v(i) ON c.id = v.i WHEN NOT MATCHED THEN INSERT (id, ${c}) VALUES (v.i, ${x})`,
      `MERGE INTO clinic.chart AS c USING (VALUES (${id}, ${x})) AS v(i, x) ON c.id = v.i WHEN MATCHED THEN UPDATE SET ${c} = v.x`,
      `MERGE INTO clinic.chart AS c USING item AS i ON c.id = i.id AND c.${c} = ${x} WHEN MATCHED THEN DELETE`,
    ]),
    genuine: false,
  }
}

function remove(draft: TokenDraft, shows: Shows): Constant {
  const column = draft.column(CHARTED)
  const { genuine, sql: x } = draft.constant(column, { values: true })
  return { sql: `DELETE FROM clinic.chart AS c WHERE c.${column.name} = ${x}${shows(column)}`, genuine }
}

/** A value that nobody has seen: its token is not there yet when the row comes. */
function fresh(draft: TokenDraft, column: TokenColumn): Constant {
  const number = draft.choices.next(1_000_000)
  switch (column.type) {
    case 'text':
    case 'varchar':
      return { sql: `'new ${number}'`, genuine: true }
    case 'int4':
    case 'int8':
    case 'numeric':
      return { sql: String(1_000_000 + number), genuine: true }
    case 'uuid':
      return { sql: `'11111111-2222-4333-8444-${String(number).padStart(12, '0')}'`, genuine: true }
    default:
      return assertNever(column.type)
  }
}

/** COPY … FROM STDIN with stand-ins in its rows. */
export function copying(draft: TokenDraft): Statement {
  const { choices } = draft
  const columns = Array.from({ length: 1 + choices.next(2) }, () => draft.column(CHARTED)).filter(
    (column, index, all) => all.indexOf(column) === index,
  )
  const csv = choices.chance(50)
  const style = csv ? 'csv' : 'copy'
  const [delimiter, options] = choices.pick<readonly [string, string]>(csv ? CSV : TEXT)
  let exact = true
  const cell = (text: string): string => (csv ? `"${text}"` : text)
  const rows = Array.from({ length: 1 + choices.next(3) }, (_none, index) => {
    const cells = columns.map((column) => {
      if (choices.chance(60)) return cell(draft.genuineContent(column, style))
      exact = false
      return cell(draft.content(column, STORED, style))
    })
    if (choices.chance(70)) return [String(90 + index), ...cells, 'free'].join(delimiter)
    exact = false
    return [String(90 + index), ...cells, draft.content(NAME, STORED, style)].join(delimiter)
  })
  const head = options.includes('HEADER') ? [`id${delimiter}x${delimiter}y`] : []
  return {
    texts: [
      'BEGIN',
      `COPY clinic.chart (id, ${columns.map(({ name }) => name).join(', ')}, note) FROM STDIN${options}`,
      `${READ} WHERE id > 80 ORDER BY id`,
    ],
    way: 'simple',
    phi: true,
    stable: true,
    exact,
    copy: [...head, ...rows, ''].join('\n'),
  }
}

const TEXT = [
  ['\t', ''],
  ['|', ` (DELIMITER '|', NULL 'none')`],
  ['\t', ' (FORMAT text, HEADER)'],
] as const
const CSV = [
  [',', ' (FORMAT csv)'],
  [';', ` (FORMAT csv, DELIMITER ';', HEADER)`],
  [',', ` (FORMAT csv, NULL 'none', FORCE_NOT_NULL (note))`],
] as const
