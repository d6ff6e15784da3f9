import type { SqlRoutine } from '../../catalog.ts'
import { SETTABLE_SETTINGS } from '../known/safe-settings.ts'
import { words } from '../words.ts'

/** Settings of a function that say how its queries are planned and not what they mean. */
const PLANNING: ReadonlySet<string> = new Set([
  ...SETTABLE_SETTINGS,
  ...words(`constraint_exclusion cursor_tuple_fraction effective_cache_size from_collapse_limit join_collapse_limit
  maintenance_work_mem max_parallel_workers_per_gather parallel_setup_cost parallel_tuple_cost plan_cache_mode
  random_page_cost seq_page_cost temp_buffers work_mem`),
])

/** The search path that a function sets for itself; 'inherited' when it sets none. */
export type RoutinePath = readonly string[] | 'inherited'

/**
 * What the settings of a function (pg_proc.proconfig) do to the names in it. Null when they could do anything else to the
 * meaning of its body: `role` decides what may be seen, `standard_conforming_strings` what is a string.
 */
export function routinePath(routine: SqlRoutine): RoutinePath | null {
  let path: RoutinePath = 'inherited'
  for (const setting of routine.settings) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(setting) ?? []
    if (name === 'search_path') {
      const schemas = schemaList(value)
      if (schemas === null) return null
      path = schemas
    } else if (!PLANNING.has(name) && !name.startsWith('enable_')) {
      return null
    }
  }
  return path
}

const ELEMENT = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(?:,|$)/y

/** A list of identifiers, as SplitIdentifierString of varlena.c reads it. Null for "$user", who may be anybody. */
function schemaList(text: string): readonly string[] | null {
  const schemas: string[] = []
  const element = new RegExp(ELEMENT)
  while (element.lastIndex < text.length) {
    const match = element.exec(text)
    if (match === null) return null
    const [, quoted, plain = ''] = match
    // Beyond ASCII, how letters are folded depends on the server's locale.
    if (/[^ -~]/.test(plain)) return null
    const schema = quoted === undefined ? plain.toLowerCase() : quoted.replaceAll('""', '"')
    if (schema === '$user') return null
    if (schema !== '') schemas.push(schema)
  }
  return schemas
}
