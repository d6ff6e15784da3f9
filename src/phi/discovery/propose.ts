import { findInContent } from './content-finding.ts'
import { type ColumnEvidence, findPhi } from './examine.ts'
import { type Finding, isStronger } from './finding.ts'
import { type ForeignKey, tableSubjects, type TableSubject } from './table-subject.ts'
import type { ColumnType, TypeGroup } from './type-group.ts'

export interface ExaminedTable {
  readonly oid: number
  readonly schema: string
  readonly name: string
  /** Attribute numbers. */
  readonly primaryKey: readonly number[]
  readonly columns: readonly ExaminedColumn[]
}

export interface ExaminedColumn {
  readonly attnum: number
  readonly name: string
  readonly type: ColumnType
  readonly evidence: ColumnEvidence
}

/** One column of a target, with what it probably holds. */
export interface ColumnFinding {
  readonly schema: string
  readonly table: string
  readonly column: string
  readonly finding: Finding | undefined
  /** Values that were looked at. */
  readonly values: number
}

const KEY_TYPES: ReadonlySet<TypeGroup> = new Set(['integer', 'uuid', 'text', 'number'])
const NOBODY: TableSubject = { kind: 'other', person: false, aboutPerson: false }

/** Every column of a target with what speaks for PHI in it: each by itself, then through keys. Sorted by name. */
export function findColumns(
  tables: readonly ExaminedTable[],
  foreignKeys: readonly ForeignKey[],
): readonly ColumnFinding[] {
  const subjects = tableSubjects(
    tables.map(({ oid, name, columns }) => ({
      oid,
      name,
      identified: columns.some(({ evidence }) => showsPersons(evidence)),
      columns: columns.map((column) => ({ name: column.name, group: column.type.group })),
    })),
    foreignKeys,
  )
  const subjectOf = (oid: number) => subjects.get(oid) ?? NOBODY
  const findings = new Map<string, Finding>()
  for (const table of tables) {
    for (const column of table.columns) {
      const subject = subjectOf(table.oid)
      const found = findPhi(column.name, column.type, subject, column.evidence)
      const finding =
        found === undefined || found.confidence === 'low' ? (findKey(table, column, subject) ?? found) : found
      if (finding !== undefined) findings.set(keyOf(table.oid, column.attnum), finding)
    }
  }
  followForeignKeys(tables, foreignKeys, findings)
  return tables
    .flatMap((table) =>
      table.columns.map((column) => ({
        schema: table.schema,
        table: table.name,
        column: column.name,
        finding: findings.get(keyOf(table.oid, column.attnum)),
        values: column.evidence.document?.documents ?? column.evidence.values.values,
      })),
    )
    .toSorted((a, b) => compare(a.schema, b.schema) || compare(a.table, b.table) || compare(a.column, b.column))
}

const keyOf = (oid: number, attnum: number): string => `${oid}.${attnum}`
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** What hardly stands in rows that are not about persons. */
const OF_PERSONS: ReadonlySet<string> = new Set(['ssn', 'mrn', 'health-plan', 'email', 'phone', 'photo', 'free-text'])

function showsPersons({ values }: ColumnEvidence): boolean {
  const found = findInContent(values, NOBODY)
  return found?.confidence === 'high' && OF_PERSONS.has(found.class)
}

/** The key of rows about persons is a "unique identifying number" itself. */
function findKey(table: ExaminedTable, column: ExaminedColumn, subject: TableSubject): Finding | undefined {
  if (!subject.aboutPerson || !KEY_TYPES.has(column.type.group)) return undefined
  const [first, ...others] = table.primaryKey
  const isKey =
    first === undefined ? column.name.toLowerCase() === 'id' : first === column.attnum && others.length === 0
  return isKey ? { class: 'other-id', confidence: 'medium', reasons: ['the key of rows about persons'] } : undefined
}

/** A column that refers to an identifier holds it too; one that refers to anything else holds none by itself. */
function followForeignKeys(
  tables: readonly ExaminedTable[],
  foreignKeys: readonly ForeignKey[],
  findings: Map<string, Finding>,
): void {
  const names = new Map(
    tables.flatMap((table) =>
      table.columns.map(
        (column) => [keyOf(table.oid, column.attnum), `${table.schema}.${table.name}.${column.name}`] as const,
      ),
    ),
  )
  const pairs = foreignKeys.flatMap(({ from, fromColumns, to, toColumns }) =>
    fromColumns.map((attnum, at) => [keyOf(from, attnum), keyOf(to, toColumns[at] ?? 0)] as const),
  )
  for (const [from, to] of pairs) {
    if (findings.get(from)?.confidence === 'low' && names.has(to) && !findings.has(to)) findings.delete(from)
  }
  for (let changed = true; changed; ) {
    changed = false
    for (const [from, to] of pairs) {
      const referred = findings.get(to)
      const own = findings.get(from)
      if (referred === undefined || !names.has(from)) continue
      if (own !== undefined && !isStronger(referred.confidence, own.confidence)) continue
      findings.set(from, {
        class: referred.class,
        confidence: referred.confidence,
        reasons: [`refers to ${names.get(to)}`],
      })
      changed = true
    }
  }
}
