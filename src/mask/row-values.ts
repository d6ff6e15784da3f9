import { KNOWN_CLASSES, KnownValues } from '../phi/detect/known-values.ts'
import { readValue } from '../phi/tokens/token-value.ts'
import { valueForm } from '../phi/value-form.ts'
import type { MaskContext } from './mask-context.ts'
import type { OutputShape } from '../inspect/sql/facts.ts'
import type { CellMasker, RowLearner } from './plan.ts'
import { UNKNOWN_TYPE, type ValueType } from './value-type.ts'

/** More values than the masked cells of a row have. */
const MAX_VALUES_OF_ROW = 512

/** What the masked cells of a row hold, so that it is found again in the texts of the row, and later in those of the session. */
export class RowValues {
  readonly #row = new KnownValues(MAX_VALUES_OF_ROW, 'row')
  readonly #session: KnownValues | undefined
  readonly #cells: (CellMasker | undefined)[] = []
  #isSearched = false

  /** @param session collects the values of every result; undefined where only those of the same row count. */
  constructor(session: KnownValues | undefined) {
    this.#session = session
  }

  /** For whoever searches texts of the row. */
  get known(): readonly KnownValues[] {
    this.#isSearched = true
    return this.#session === undefined ? [this.#row] : [this.#row, this.#session]
  }

  /** Takes note of the next column of the row, and whether it is masked. */
  column(shape: OutputShape, type: ValueType, isMasked: boolean, context: MaskContext): void {
    this.#cells.push(isMasked ? this.#learner(shape, type, context) : undefined)
  }

  /** What has to be run on each row before it is masked; undefined when nobody wants to know. */
  get learner(): RowLearner | undefined {
    const isUseful = this.#isSearched || this.#session !== undefined
    if (!isUseful || this.#cells.every((cell) => cell === undefined)) return undefined
    return { begin: () => this.#row.clear(), cells: this.#cells }
  }

  #learner(shape: OutputShape, type: ValueType, { phi, clears, typeOf }: MaskContext): CellMasker | undefined {
    if (shape.kind !== 'column' || shape.path.length > 0) return undefined
    const found = phi.columnOf(shape.oid, shape.attnum)
    if (found?.kind !== 'phi' || !KNOWN_CLASSES.has(found.label.class) || clears(found.label.class)) return undefined
    const { class: phiClass } = found.label
    const form = valueForm(type.typeOid === UNKNOWN_TYPE ? { ...type, typeOid: shape.typeOid } : type, typeOf)
    if (form === undefined) return undefined
    return (source, start, end) => {
      const value = readValue(form, source, start, end)
      if (value !== undefined) {
        this.#row.add(phiClass, value)
        this.#session?.add(phiClass, value)
      }
      return null
    }
  }
}
