import type { CatalogColumn, CatalogRelation, PhiLabel } from '../inspect/sql/catalog.ts'
import type { Labels } from '../inspect/sql/flow/phi-view.ts'
import { NOT_PHI } from '../phi/classes.ts'
import type { Label, LabelSet } from '../phi/labels.ts'
import { analysedLabel } from '../phi/released.ts'
import { holdsJson, isSearchable, isView } from '../phi/target-phi.ts'
import { elementKind, type TypeLookup, type ValueKind } from '../phi/value-form.ts'

interface Surroundings {
  /** A label where unlabelled texts are searched: to the analysis they are unlabelled all the same. */
  readonly unlabelledColumns: 'mask' | 'pass' | Label
  /** Of the common era. */
  readonly year: number
  readonly typeOf: TypeLookup
}

/** The labels of a target as the analysis asks for them. */
export function analysisLabels(labels: LabelSet, { unlabelledColumns, year, typeOf }: Surroundings): Labels['labelOf'] {
  const known = new Map<Label, Map<ValueKind, PhiLabel>>()
  return (relation, column) => {
    const label = found(labels, relation, column)
    if (label === 'unlabelled') return unlabelledColumns === 'pass' ? 'unlabelled-pass' : 'unlabelled-mask'
    return label === NOT_PHI ? NOT_PHI : labelOf(label, column)
  }

  /** One object for each label and kind of type: relations of one family are compared by their labels. */
  function labelOf(label: Label, { typeOid }: CatalogColumn): PhiLabel {
    // An array is masked element by element, and tells what its elements do.
    const kind = elementKind(typeOid, typeOf)
    let byKind = known.get(label)
    if (byKind === undefined) {
      byKind = new Map()
      known.set(label, byKind)
    }
    let analysed = byKind.get(kind)
    if (analysed === undefined) {
      analysed = analysedLabel(label, kind, holdsJson(typeOid, typeOf), year)
      byKind.set(kind, analysed)
    }
    return analysed
  }
}

/**
 * The same for the boundary where unlabelled texts are searched: they are in it only for other reasons, like being generated
 * from PHI, and then they are masked whole.
 */
export function boundaryLabels(labels: LabelSet, surroundings: Surroundings): Labels['labelOf'] {
  const labelOf = analysisLabels(labels, surroundings)
  return (relation, column) => {
    const label = labelOf(relation, column)
    const searched =
      label === 'unlabelled-mask' && !isView(relation) && isSearchable(column.typeOid, surroundings.typeOf)
    return searched ? 'unlabelled-pass' : label
  }
}

function found(labels: LabelSet, relation: CatalogRelation, column: CatalogColumn): ReturnType<LabelSet['labelOf']> {
  return isView(relation)
    ? labels.labelOfView(relation.schema, relation.name, column.name)
    : labels.labelOf(relation.schema, relation.name, column.name)
}
