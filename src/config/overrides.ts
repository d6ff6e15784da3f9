import type { Environment } from './environment.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

/** What a container or a service manager decides about one instance. Everything else is in the file alone. */
const OVERRIDES: readonly { readonly variable: string; readonly path: readonly string[]; readonly number?: true }[] = [
  { variable: 'CHAPERONE_STATE', path: ['state'] },
  { variable: 'CHAPERONE_POSTGRES_HOST', path: ['listen', 'postgres', 'host'] },
  { variable: 'CHAPERONE_POSTGRES_PORT', path: ['listen', 'postgres', 'port'], number: true },
  { variable: 'CHAPERONE_WEB_HOST', path: ['listen', 'web', 'host'] },
  { variable: 'CHAPERONE_WEB_PORT', path: ['listen', 'web', 'port'], number: true },
]

export interface Overridden {
  readonly data: Data
  /** Where a value came from, when it came from the environment. */
  readonly origin: (path: Path) => string | undefined
}

/** The file's data with the variables applied that are set and not empty. */
export function applyOverrides(data: Data, environment: Environment): Overridden {
  const origins = new Map<string, string>()
  let result = data
  for (const { variable, path, number } of OVERRIDES) {
    const value = environment[variable]
    if (value === undefined || value === '') continue
    const next = withValue(result, path, number && /^\d{1,9}$/.test(value) ? Number(value) : value)
    if (next === undefined) continue
    result = next
    origins.set(JSON.stringify(path), variable)
  }
  return { data: result, origin: (path) => origins.get(JSON.stringify(path)) }
}

/** A copy with one value set; undefined when the way there does not lead through mappings, which is reported anyway. */
function withValue(data: Data, path: readonly string[], value: Data): Data {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  const inner = withValue(data[step], rest, value)
  if (inner === undefined) return undefined
  const copy: Record<string, Data> = Object.create(null)
  return Object.assign(copy, data, { [step]: inner })
}
