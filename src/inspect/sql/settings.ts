import { isUtf8Name } from '../../lib/encoding-name.ts'
import type { Hazard } from './facts.ts'

/** Values of a setting as text; null for one that is not a constant. */
export type SettingValues = readonly (string | null)[]

const ON: ReadonlySet<string> = new Set(['on', 'true', 'yes', '1', 't', 'y'])
const DATE_STYLE = /^(iso|ymd|dmy|mdy|us|euro|european|noneuro|noneuropean)$/

type Accepts = (values: readonly string[]) => boolean

/** What the parser relies on (PostgreSQL documentation, 19.13 and 23.3), with the values that keep it right. */
const REQUIRED: ReadonlyMap<string, Accepts> = new Map<string, Accepts>([
  ['client_encoding', (values) => values.every(isUtf8Name)],
  ['standard_conforming_strings', (values) => values.every((value) => ON.has(value))],
])

const only =
  (...accepted: string[]): Accepts =>
  (values) =>
    values.length === 1 && accepted.includes(values[0] ?? '')

const never: Accepts = () => false
const on: Accepts = (values) => values.every((value) => ON.has(value))

/**
 * Where a plan sorts or goes along an index on PHI, rows come in the order of what is masked. The planner may choose such a
 * plan; a client may not make it choose one.
 */
const PLANNER: readonly (readonly [setting: string, accepts: Accepts])[] = [
  ...[
    'bitmapscan',
    'hashagg',
    'hashjoin',
    'indexonlyscan',
    'indexscan',
    'material',
    'memoize',
    'nestloop',
    'presorted_aggregate',
    'group_by_reordering',
    'seqscan',
    'sort',
    'tidscan',
  ].map((method) => [`enable_${method}`, on] as const),
  ...[
    'cpu_index_tuple_cost',
    'cpu_operator_cost',
    'cpu_tuple_cost',
    'cursor_tuple_fraction',
    'effective_cache_size',
    'hash_mem_multiplier',
    'parallel_setup_cost',
    'parallel_tuple_cost',
    'random_page_cost',
    'seq_page_cost',
  ].map((setting) => [setting, never] as const),
  ['enable_mergejoin', on],
  ['enable_incremental_sort', on],
  ['work_mem', (values) => values.every(isEnoughMemory)],
]

/** What is too large for it is sorted where it would have been hashed. Numbers without a unit are kilobytes. */
function isEnoughMemory(value: string): boolean {
  const [, number = '', unit = 'kb'] = /^(\d{1,9})\s*(kb|mb|gb)?$/.exec(value) ?? []
  return Number(number) * (KILOBYTES.get(unit) ?? 0) >= LEAST_MEMORY
}

const KILOBYTES: ReadonlyMap<string, number> = new Map([
  ['kb', 1],
  ['mb', 1024],
  ['gb', 1024 * 1024],
])
/** The server's default. */
const LEAST_MEMORY = 4096

/** What name resolution and masking rely on, with the values that change nothing for them. */
const PINNED: ReadonlyMap<string, Accepts> = new Map<string, Accepts>([
  ['search_path', never],
  ['role', only('none')],
  ['session_authorization', never],
  ['session_replication_role', only('origin')],
  ['row_security', (values) => values.every((value) => ON.has(value))],
  ['backslash_quote', only('safe_encoding')],
  ['datestyle', (values) => values.includes('iso') && values.every((value) => DATE_STYLE.test(value))],
  ['intervalstyle', only('postgres')],
  ['bytea_output', only('hex')],
  ...PLANNER,
])

/**
 * The hazards of giving a setting these values; `values` null when they cannot be told. Setting names are compared
 * without regard to case, as guc_name_compare does.
 */
export function settingHazards(
  name: string,
  values: SettingValues | null,
  searchPath: readonly string[],
): readonly Hazard[] {
  const setting = name.toLowerCase()
  if (values !== null && setting === 'search_path' && isSamePath(values, searchPath)) return []
  const required = REQUIRED.get(setting)
  const accepts = required ?? PINNED.get(setting)
  if (accepts === undefined) return []
  if (values !== null && !values.includes(null)) {
    // `SET datestyle = 'ISO, DMY'` is a list, too.
    const texts = values.flatMap((value) => (value ?? '').split(',')).map((value) => value.trim().toLowerCase())
    if (texts.length > 0 && accepts(texts)) return []
  }
  const hazards: Hazard[] = [{ kind: 'setting-pinned', subject: setting }]
  if (required !== undefined) hazards.push({ kind: 'setting-required', subject: setting })
  return hazards
}

/** The hazards of a change of which not even the setting's name is known. */
export function anySettingHazards(by: string): readonly Hazard[] {
  return [
    { kind: 'setting-pinned', subject: by },
    { kind: 'setting-required', subject: by },
  ]
}

function isSamePath(values: SettingValues, searchPath: readonly string[]): boolean {
  return values.length === searchPath.length && values.every((value, i) => value === searchPath[i])
}
