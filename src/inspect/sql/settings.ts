import type { Hazard } from './facts.ts'

/** Values of a setting as text; null for one that is not a constant. */
export type SettingValues = readonly (string | null)[]

const ON: ReadonlySet<string> = new Set(['on', 'true', 'yes', '1', 't', 'y'])
const DATE_STYLE = /^(iso|ymd|dmy|mdy|us|euro|european|noneuro|noneuropean)$/

type Accepts = (values: readonly string[]) => boolean

/** What the parser relies on (PostgreSQL documentation, 19.13 and 23.3), with the values that keep it right. */
const REQUIRED: ReadonlyMap<string, Accepts> = new Map<string, Accepts>([
  ['client_encoding', (values) => values.every((value) => /^(utf[-_]?8|unicode)$/.test(value))],
  ['standard_conforming_strings', (values) => values.every((value) => ON.has(value))],
])

const never: Accepts = () => false
const only =
  (...accepted: string[]): Accepts =>
  (values) =>
    values.length === 1 && accepted.includes(values[0] ?? '')

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
  const texts = values?.filter((value) => value !== null).map((value) => value.trim().toLowerCase())
  if (texts !== undefined && texts.length > 0 && texts.length === values?.length && accepts(texts)) return []
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
