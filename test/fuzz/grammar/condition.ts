import type { Kind } from '../schema.ts'
import { plainConstant, tellingConstant } from './constant.ts'
import { columnsOf, type Draft, type Scope, type Value } from './draft.ts'
import { COLUMNS, type TokenColumn, TokenDraft } from './token-constant.ts'
import { existsQuery, memberQuery } from './query.ts'
import { built, leaf, value } from './value.ts'

const COMPARED: readonly Kind[] = ['text', 'int', 'date', 'num', 'ts']
const COMPARISONS = ['=', '<', '>=', '<>', '>', '<='] as const

/** A condition; `clean`: not about PHI. */
export function condition(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  return draft.withoutWindows(() => anyCondition(draft, scope, depth, clean))
}

function anyCondition(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  const { choices } = draft
  const simple = (): Value => comparison(draft, scope, clean)
  if (!draft.room(depth)) return simple()
  const inner = (): Value => anyCondition(draft, scope, depth - 1, clean)
  const texts = (): Value => value(draft, 'text', scope, depth - 1, clean)
  return choices.weighted<Value>([
    [4, simple],
    [clean ? 0 : 4, () => released(draft, scope)],
    [1, () => joined(inner(), choices.pick(['AND', 'OR']), inner())],
    [1, () => wrapped(inner(), (x) => `NOT (${x})`)],
    [
      1,
      () =>
        wrapped(leaf(draft, choices.pick(COMPARED), scope, clean), (x) => `${x} IS ${choices.pick(['', 'NOT '])}NULL`),
    ],
    [
      1,
      () =>
        wrapped(
          texts(),
          (x) =>
            `${x} ${choices.pick(['LIKE', 'ILIKE', 'NOT LIKE', '~', '~*'])} '${choices.pick(['q%', '%8%', '^[a-k]', '_o%'])}'`,
        ),
    ],
    [1, () => computed(draft, scope, depth, clean)],
    [1, () => wrapped(texts(), (x) => `${x} IN (${constants(draft, 'text', clean)})`)],
    [
      1,
      () =>
        wrapped(
          value(draft, 'date', scope, depth - 1, clean),
          (x) => `${x} BETWEEN ${constantOf(draft, 'date', clean)} AND ${constantOf(draft, 'date', clean)}`,
        ),
    ],
    [1, () => wrapped(texts(), (x) => `${x} IS DISTINCT FROM ${constantOf(draft, 'text', clean)}`)],
    [1, () => anyOf(draft, scope, depth, clean)],
    [1, () => existsQuery(draft, scope, depth - 1, clean) ?? simple()],
    [1, () => memberQuery(draft, 'text', leaf(draft, 'text', scope, clean), scope, depth - 1, clean) ?? simple()],
    [
      1,
      () =>
        wrapped(
          value(draft, 'json', scope, 0, clean),
          (x) => `(${x})::jsonb ${choices.pick(['@>', '<@', '='])} ${constantOf(draft, 'json', clean)}`,
        ),
    ],
  ])
}

const joined = (left: Value, word: string, right: Value): Value =>
  built([left, right], `(${left.sql} ${word} ${right.sql})`)
const wrapped = (inner: Value, sql: (x: string) => string): Value => built([inner], sql(inner.sql))

/** A value that PHI is compared with, or a token. */
function telling(draft: Draft, kind: Kind): string {
  const { choices } = draft
  if (!draft.tokens || !choices.chance(50)) return tellingConstant(choices, kind)
  const columns = COLUMNS.filter((one) => KIND_OF[one.type] === kind)
  if (columns.length === 0) return tellingConstant(choices, kind)
  return new TokenDraft(choices, false).literal(choices.pick(columns))
}

const KIND_OF: Readonly<Record<TokenColumn['type'], Kind>> = {
  text: 'text',
  varchar: 'text',
  int4: 'int',
  int8: 'int',
  numeric: 'num',
  uuid: 'uuid',
}

const constantOf = (draft: Draft, kind: Kind, clean: boolean): string =>
  clean ? plainConstant(draft.choices, kind) : telling(draft, kind)

const constants = (draft: Draft, kind: Kind, clean: boolean): string =>
  Array.from({ length: 1 + draft.choices.next(3) }, () => constantOf(draft, kind, clean)).join(', ')

function comparison(draft: Draft, scope: Scope, clean: boolean): Value {
  const kind = draft.choices.pick(COMPARED)
  const left = leaf(draft, kind, scope, clean)
  const operator = draft.choices.pick(COMPARISONS)
  if (draft.choices.chance(25)) return joined(left, operator, leaf(draft, kind, scope, clean))
  return wrapped(
    left,
    (x) => `${x} ${operator} ${left.phi ? telling(draft, kind) : plainConstant(draft.choices, kind)}`,
  )
}

/** Over something that is computed. */
function computed(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  const kind = draft.choices.pick(COMPARED)
  const left = value(draft, kind, scope, depth - 1, clean)
  return wrapped(left, (x) => `${x} ${draft.choices.pick(COMPARISONS)} ${constantOf(draft, kind, clean)}`)
}

function anyOf(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  const left = value(draft, 'text', scope, depth - 1, clean)
  const list = value(draft, 'texts', scope, depth - 1, clean)
  return built([left, list], `(${left.sql})::text = ANY(${list.sql})`)
}

/** What the released value may be asked, and what is nearly that. */
function released(draft: Draft, scope: Scope): Value {
  const { choices } = draft
  const pick = (kind: Kind): string => {
    const phi = columnsOf(scope, kind, false).filter((column) => column.phi)
    return phi.length === 0 ? plainConstant(choices, kind) : choices.pick(phi).sql
  }
  const year = () => String(choices.pick([1955, 1951, 2016, 2018, 1930, 1945]))
  const operator = choices.pick(COMPARISONS)
  const sql = choices.weighted([
    [3, () => `${pick('date')} ${operator} '${year()}-${choices.pick(['01-01', '07-01', '12-31', '01-02'])}'`],
    [1, () => `'${year()}-${choices.pick(['01-01', '05-01'])}' ${operator} ${pick('date')}`],
    [
      2,
      () =>
        `extract(${choices.pick(['year', 'month', 'isoyear', 'decade'])} FROM ${pick('date')}) ${operator} ${choices.pick([year(), '5'])}`,
    ],
    [
      1,
      () =>
        `date_trunc('${choices.pick(['year', 'month'])}', ${pick('date')}) ${operator} '${year()}-${choices.pick(['01-01', '05-01'])}'`,
    ],
    [1, () => `${pick('date')} BETWEEN '${year()}-01-01' AND '${year()}-${choices.pick(['12-31', '06-30'])}'`],
    [
      2,
      () =>
        `left(${pick('text')}, ${choices.pick(['3', '2', '4'])}) ${choices.pick(['=', '<>', '<'])} '${choices.pick(['021', '100', '036', '059', '02'])}'`,
    ],
    [1, () => `substr(${pick('text')}, 1, 3) IN ('021', '${choices.pick(['100', '036'])}')`],
    [1, () => `${pick('text')} LIKE '${choices.pick(['021%', '03%', '0365%', '100__'])}'`],
    [2, () => `${pick('int')} ${operator} ${choices.pick(['40', '89', '90', '95', '100'])}`],
    [3, () => `${pick('text')} ${choices.pick(['=', '<>', '<'])} ${pick('text')}`],
    [1, () => `${pick('text')} ${choices.pick(['=', '<>', '>'])} ''`],
    [1, () => `${pick('ts')} ${operator} '${year()}-01-01${choices.pick(['', ' 00:00:00+00', ' 00:00:00+14'])}'`],
    [1, () => `num_nulls(${pick('text')}, ${pick('date')}) = 0`],
  ])
  return { sql, phi: true }
}
