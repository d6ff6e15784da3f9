import type { StoredColumn } from '../../inspect/sql/facts.ts'
import { assertNever } from '../../lib/assert-never.ts'
import { judgeColumn } from '../../mask/stored-column.ts'
import type { DocumentNode } from '../../phi/document.ts'
import type { Label } from '../../phi/labels.ts'
import type { TargetPhi } from '../../phi/target-phi.ts'
import { type TypeLookup, type ValueForm, valueForm } from '../../phi/value-form.ts'

/** What the catalog and the labels say of the column that a constant meets. */
export interface ConstantColumn {
  /** Of one value, of an array those of its elements: pg_type.oid, and how it is written in text. */
  readonly typeOid: number
  readonly form: ValueForm
  readonly isArray: boolean
  /** What it holds: a label, or the tree of a document. Undefined when nobody has labelled it. */
  readonly node: DocumentNode | undefined
  /** For what is no object where the tree has members, and what is in no member that is PHI. */
  readonly label: Label | undefined
}

export interface ColumnSurroundings {
  readonly phi: TargetPhi
  readonly typeOf: TypeLookup
}

const OTHER: ValueForm = { kind: 'other', binary: false, limit: undefined, elementOid: 0 }

/**
 * @param phiClass of the column as the analysis knows it. Where the labels say another one, none of them counts.
 * @param elements whether the constant is an array of such values
 */
export function constantColumn(
  column: StoredColumn,
  phiClass: string,
  elements: boolean,
  { phi, typeOf }: ColumnSurroundings,
): ConstantColumn {
  const textForm = (typeOid: number) => valueForm({ typeOid, typmod: -1, format: 0 }, typeOf) ?? OTHER
  const own = textForm(column.typeOid)
  const typeOid = own.kind === 'array' ? own.elementOid : column.typeOid
  const form = textForm(typeOid)
  const isArray = elements || own.kind === 'array'
  const verdict = judgeColumn(column, { phi, typeOf, clears: () => false, currentYear: 0, masked: new Set() })
  const found = { typeOid, form, isArray }
  const unlabelled = { ...found, node: undefined, label: undefined }
  switch (verdict.kind) {
    case 'label': {
      const { label } = verdict
      return label.class === phiClass ? { ...found, node: { kind: 'phi', label }, label } : unlabelled
    }
    case 'members': {
      const { label, members } = verdict
      return label.class === phiClass ? { ...found, node: members, label } : unlabelled
    }
    case 'pass':
    case 'unproven':
      return unlabelled
    default:
      return assertNever(verdict)
  }
}

/** Whether parts of one value can be of other classes than the column. */
export const hasParts = ({ node }: ConstantColumn): boolean => node?.kind === 'members'
