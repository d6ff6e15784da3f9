import { COUNTED_ROWS, type PreviewParameter, previewQuery } from '../inspect/sql/preview-query.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import type { ChaperoneError } from '../lib/errors.ts'
import type { MaskPlan, ResultColumn } from '../mask/plan.ts'
import { keyFromBinary } from './patients/patient-key.ts'
import { MaskPlans } from './mask-plans.ts'
import { SessionStandIns } from './stand-ins.ts'
import type { TargetState } from './target-state.ts'

/** A statement that waits for a decision, as the target would get it. */
export interface PreviewedStatement {
  readonly statement: string
  readonly parameters: readonly {
    readonly typeOid: number
    readonly format: number
    /** Base64; null for NULL. */
    readonly value: string | null
  }[]
  /** The setting search_path, and the schemas that it stands for. */
  readonly searchPath: string
  readonly schemas: readonly string[]
}

export interface PreviewOptions {
  readonly target: TargetState
  readonly inspector: SqlInspector
  readonly minimumGroupSize: number | undefined
  readonly clock: Clock
  /** Reads rows over a connection of the gateway's own, and shows none that the plan was not asked for. */
  readonly read: (
    query: { readonly rows: string; readonly count: string },
    searchPath: string,
    plan: (columns: readonly ResultColumn[]) => MaskPlan | 'pass' | ChaperoneError,
  ) => Promise<{
    readonly columns: readonly string[]
    readonly rows: readonly (readonly (string | null)[])[]
    readonly count: number
  }>
}

export interface TouchedRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly total: number
  readonly totalIsExact: boolean
}

/**
 * The rows that a write would touch, masked for who looks at them as a session of theirs would be, but that tokens are not
 * issued: what has one is redacted. Undefined when nothing can be shown. The write itself is not run.
 *
 * @param clears which PHI classes the looker is cleared for
 */
export async function touchedRows(
  write: PreviewedStatement,
  clears: (phiClass: string) => boolean,
  { target, inspector, minimumGroupSize, clock, read }: PreviewOptions,
): Promise<TouchedRows | undefined> {
  const parameters = write.parameters.map(parameterOf)
  if (parameters.includes(undefined)) return undefined
  const query = await previewQuery(
    write.statement,
    parameters.flatMap((parameter) => parameter ?? []),
  )
  if (query === undefined) return undefined
  const snapshot = await target.refresh()
  const inspection = await inspector.inspect(query.rows, { target: target.name, searchPath: write.schemas })
  if (!inspection.ok) return undefined
  const [facts] = inspection.statements
  const isRead = facts?.effects.every((effect) => effect === 'read')
  // A function that is not known to be safe could do anything with the rows.
  if (facts === undefined || isRead !== true || facts.hazards.length > 0) return undefined
  const standIns = new SessionStandIns({ scope: undefined, detector: undefined, clock })
  const plans = new MaskPlans({ clears, minimumGroupSize, standIns, knownValues: undefined, clock })
  const { count, ...shown } = await read(query, write.searchPath, (columns) => plans.plan(snapshot, facts, columns))
  return { ...shown, total: Math.min(count, COUNTED_ROWS), totalIsExact: count <= COUNTED_ROWS }
}

/** pg_type.oid and typname of what a parameter can be declared as so that its text says the same. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [16, 'bool'],
  [20, 'int8'],
  [21, 'int2'],
  [23, 'int4'],
  [25, 'text'],
  [701, 'float8'],
  [1043, 'varchar'],
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [1700, 'numeric'],
  [2950, 'uuid'],
])
const INTEGERS: ReadonlySet<number> = new Set([20, 21, 23])
const TEXTS: ReadonlySet<number> = new Set([25, 1043])
const UUID = 2950

/** Undefined for a binary value of a type that is not read here. */
function parameterOf({
  typeOid,
  format,
  value,
}: PreviewedStatement['parameters'][number]): PreviewParameter | undefined {
  const type = TYPES.get(typeOid)
  if (typeOid !== 0 && type === undefined) return undefined
  if (value === null) return { text: null, type }
  const bytes = Buffer.from(value, 'base64')
  if (format === 0) return { text: bytes.toString('utf8'), type }
  const form = INTEGERS.has(typeOid) ? 'integer' : TEXTS.has(typeOid) ? 'text' : typeOid === UUID ? 'uuid' : undefined
  const text = form === undefined ? undefined : keyFromBinary(bytes, form)
  return text === undefined ? undefined : { text, type }
}
