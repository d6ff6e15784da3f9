import type { ErrorCode } from '../../lib/errors.ts'
import type { SqlFacts } from './facts.ts'

/** The result of looking at one statement string (which may hold several statements, or none). Immutable and shared. */
export type Inspection =
  | {
      readonly ok: true
      readonly statements: readonly SqlFacts[]
      /** The text with every literal replaced by a placeholder, for journals and messages. */
      readonly redacted: string
    }
  | {
      readonly ok: false
      readonly code: Extract<ErrorCode, `CHP-SQL-${string}`>
      /** For the client: PostgreSQL's own message for a syntax error ("syntax error at or near …"). */
      readonly message: string
      /** 1-based character position for a syntax error. */
      readonly position?: number
    }

/** Everything besides the text that an inspection depends on. Compared by identity: make one a session state. */
export interface InspectionScope {
  /** Catalog epoch and PHI labels that are in force, from `SqlInspector.setCatalog`. */
  readonly target: string
  /** pg_temp and pg_catalog excluded, as the server resolves names: current_schemas(false). */
  readonly searchPath: readonly string[]
}
