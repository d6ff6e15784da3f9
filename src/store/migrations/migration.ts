import { createHash } from 'node:crypto'

/** A step from one version of the schema to the next. Forward only; once released, never changed. */
export interface Migration {
  /** From 1, without gaps. */
  readonly version: number
  readonly name: string
  readonly statements: readonly string[]
}

/** Kept in the database, so that a step that was changed after its release is noticed. */
export function checksum({ version, name, statements }: Migration): string {
  return createHash('sha256')
    .update(JSON.stringify([version, name, statements]))
    .digest('hex')
}
