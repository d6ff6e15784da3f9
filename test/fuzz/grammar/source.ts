import { ITEM, LAB, PATIENT, type TableColumn, VISIT } from '../schema.ts'
import { condition } from './condition.ts'
import { type Column, columnsOf, type Draft, type Relation, type Scope } from './draft.ts'
import { select } from './query.ts'
import { leaf, value } from './value.ts'

const ofTable = (columns: readonly TableColumn[]): readonly Column[] =>
  columns.map(({ name, kind, label }) => ({ name, kind, phi: label !== 'none' }))
const column = (name: string, kind: Column['kind'], phi = false): Column => ({ name, kind, phi })

const PEOPLE = [...ofTable(PATIENT), column('shouted', 'text', true)]
const LABS = ofTable(LAB)

/** What the schema has, by the name that FROM uses; functions among them. */
const STORED: readonly (readonly [name: string, columns: readonly Column[]])[] = [
  ['patient', PEOPLE],
  ['visit', ofTable(VISIT)],
  ['item', ofTable(ITEM)],
  [
    'directory',
    [
      column('id', 'int'),
      column('ward', 'text'),
      column('title', 'text', true),
      column('born', 'date', true),
      column('zip', 'text', true),
    ],
  ],
  ['lab', LABS],
  ['everything', PEOPLE],
  ['"Odd ""View"""', [column('"Ward"', 'text', true), column('"Title"', 'text'), column('kind', 'text')]],
  ['census', [column('ward', 'text'), column('patients', 'int'), column('score', 'int')]],
  ['documents', [column('id', 'int'), column('body', 'json', true), column('who', 'json', true)]],
  ['kept', [column('id', 'int'), column('sex', 'text'), column('number', 'text', true), column('name', 'text', true)]],
  ['lab_north', LABS],
  ['archive', [...ofTable(ITEM), column('note', 'text', true)]],
  ['people()', PEOPLE],
  ['wards(2)', [column('ward', 'text'), column('who', 'text', true)]],
]

/** A scope with nothing but the patients. */
export const peopleAs = (alias: string): Scope => ({
  relations: [{ alias, columns: PEOPLE, phi: true, stable: true }],
  outer: undefined,
})

/** FROM with what it names; conditions of joins included. */
export interface Source {
  readonly sql: string
  readonly relations: readonly Relation[]
  readonly phi: boolean
}

export function source(draft: Draft, outer: Scope | undefined, depth: number, clean: boolean): Source {
  const { choices } = draft
  const first = item(draft, outer, depth, clean, [])
  let { phi, sql } = first
  const relations = [first.relation]
  for (
    let more = choices.weighted([
      [6, () => 0],
      [3, () => 1],
      [1, () => 2],
    ]);
    more > 0 && draft.room(depth);
    more--
  ) {
    const next = item(draft, outer, depth - 1, clean, relations)
    const scope: Scope = { relations: [...relations, next.relation], outer }
    const on =
      (draft.dares('on') && choices.chance(60) ? condition(draft, scope, 1, clean) : undefined) ??
      link(draft, relations, next.relation, clean)
    if (on === undefined) sql += choices.pick([' CROSS JOIN ', ', ']) + next.sql
    else sql += ` ${choices.pick(['JOIN', 'LEFT JOIN', 'JOIN', 'FULL JOIN'])} ${next.sql} ON ${on.sql}`
    if (on?.phi === true) {
      // The order may be that of the values now.
      phi = true
      next.relation = { ...next.relation, stable: false }
    }
    phi ||= next.phi
    relations.push(next.relation)
  }
  return { sql, relations, phi }
}

/** How a relation hangs together with those before it: by what is no PHI, or, now and then, by equal PHI. */
function link(draft: Draft, before: readonly Relation[], next: Relation, clean: boolean) {
  const kind = draft.choices.pick(['int', 'int', 'text'] as const)
  const pairs = columnsOf({ relations: before, outer: undefined }, kind, clean).flatMap((left) =>
    columnsOf({ relations: [next], outer: undefined }, kind, clean)
      .filter((right) =>
        kind === 'int'
          ? !left.phi && !right.phi && (left.sql.endsWith('id') || right.sql.endsWith('id'))
          : left.phi === right.phi,
      )
      .map((right) => ({ sql: `${left.sql} = ${right.sql}`, phi: left.phi || right.phi })),
  )
  return pairs.length === 0 ? undefined : draft.choices.pick(pairs)
}

interface Item {
  readonly sql: string
  /** Whether what it is made with is PHI, whoever looks at its columns. */
  readonly phi: boolean
  relation: Relation
}

function item(
  draft: Draft,
  outer: Scope | undefined,
  depth: number,
  clean: boolean,
  before: readonly Relation[],
): Item {
  const { choices } = draft
  if (!draft.room(depth)) return stored(draft, clean)
  return choices.weighted<Item>([
    [8, () => stored(draft, clean)],
    [draft.named.length > 0 ? 8 : 0, () => named(draft)],
    [
      3,
      () => derived(draft, before.length > 0 ? { relations: before, outer } : outer, depth, clean, before.length > 0),
    ],
    [1, () => listed(draft, outer, depth, clean)],
    [
      before.length > 0 || outer !== undefined ? 5 : 1,
      () => unnested(draft, { relations: before, outer }, depth, clean),
    ],
  ])
}

function stored(draft: Draft, clean: boolean): Item {
  const { choices } = draft
  const from = clean ? STORED.filter(([name]) => !name.endsWith(')')) : STORED
  const [name, columns] = choices.chance(55) ? choices.pick(from) : choices.pick(from.slice(0, 2))
  const hidden = draft.named.some(({ alias }) => alias === name)
  const qualified = hidden || choices.chance(40) ? `clinic.${name}` : name
  const alias = draft.alias()
  const only = choices.chance(4) && /^(lab|item|patient)$/.test(name) ? 'ONLY ' : ''
  const relation = { alias, columns, phi: columns.some(({ phi }) => phi), stable: true }
  return {
    sql: `${only}${qualified} ${choices.pick(['AS ', ''])}${alias}`,
    phi: false,
    relation: columns.some((one) => one.name === 'id') ? { ...relation, key: 'id' } : relation,
  }
}

function named(draft: Draft): Item {
  const known = draft.choices.pick(draft.named)
  const alias = draft.alias()
  return { sql: `${known.alias} AS ${alias}`, phi: known.phi, relation: { ...known, alias } }
}

function derived(draft: Draft, outer: Scope | undefined, depth: number, clean: boolean, lateral: boolean): Item {
  const query = select(draft, outer, depth - 1, clean)
  const alias = draft.alias()
  const renamed = query.columns.length > 1 && draft.choices.chance(20)
  const columns = renamed ? query.columns.map((one, index) => ({ ...one, name: `r${index}` })) : query.columns
  const list = renamed && query.exact ? `(${columns.map(({ name }) => name).join(', ')})` : ''
  const { phi, stable } = query
  return {
    sql: `${lateral ? 'LATERAL ' : ''}(${query.sql}) AS ${alias}${list}`,
    phi,
    relation: { alias, columns: list === '' ? query.columns : columns, phi, stable },
  }
}

function listed(draft: Draft, outer: Scope | undefined, depth: number, clean: boolean): Item {
  const scope: Scope = { relations: [], outer }
  const rows = [0, 1].map(() => (['text', 'int'] as const).map((kind) => value(draft, kind, scope, depth - 1, clean)))
  const alias = draft.alias()
  const columns = [
    column(
      'v',
      'text',
      rows.some(([one]) => one?.phi),
    ),
    column(
      'n',
      'int',
      rows.some(([, one]) => one?.phi),
    ),
  ]
  const phi = columns.some((one) => one.phi)
  const sql = rows.map(([text, number]) => `((${text?.sql})::text, (${number?.sql})::int)`).join(', ')
  return { sql: `(VALUES ${sql}) AS ${alias}(v, n)`, phi, relation: { alias, columns, phi, stable: true } }
}

function unnested(draft: Draft, scope: Scope, depth: number, clean: boolean): Item {
  const alias = draft.alias()
  const risky = clean || !draft.dares('computation')
  const over = (kind: Column['kind'], only: boolean) => value(draft, kind, scope, depth - 1, only)
  const [sql, phi] = draft.choices.weighted<readonly [string, boolean]>([
    [1, () => [`generate_series(1, ${1 + draft.choices.next(3)}) AS ${alias}(n)`, false]],
    [4, () => of(leaf(draft, 'texts', scope, clean), (x) => `unnest(${x}) AS ${alias}(v)`)],
    [1, () => of(over('text', risky), (x) => `regexp_split_to_table(${x}, '') AS ${alias}(v)`)],
    [1, () => of(over('text', risky), (x) => `string_to_table(${x}, ' ') AS ${alias}(v)`)],
    [1, () => of(over('json', risky), (x) => `jsonb_each_text(jsonb_build_object('k', ${x})) AS ${alias}(k, v)`)],
  ])
  const columns = sql.includes('(n)') ? [column('n', 'int')] : [column('v', 'text', phi)]
  return { sql, phi, relation: { alias, columns, phi, stable: true } }
}

const of = (
  made: { readonly sql: string; readonly phi: boolean },
  sql: (x: string) => string,
): readonly [string, boolean] => [sql(made.sql), made.phi]
