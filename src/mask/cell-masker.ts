import { assertNever } from '../lib/assert-never.ts'
import type { PhiClass } from '../phi/classes.ts'
import type { Transform } from '../phi/transform-names.ts'
import { age90 } from '../phi/transforms/age90.ts'
import { partial } from '../phi/transforms/partial.ts'
import { redact } from '../phi/transforms/redact.ts'
import { yearOnly } from '../phi/transforms/year-only.ts'
import { zip3 } from '../phi/transforms/zip3.ts'
import type { ValueForm } from '../phi/value-form.ts'
import type { CellMasker } from './plan.ts'

/** Years before the present one that a person of at most 89 can have been born in (45 CFR 164.514(b)(2)(i)(C)). */
const OLDEST_AGE = 89

/**
 * The masker of one transform for one form of values.
 *
 * @param phiClass a date of death may be of any year: it does not tell an age; every other date of a living person that is
 *   90 years old does.
 * @param currentYear of the common era.
 */
export function cellMasker(
  transform: Transform,
  form: ValueForm,
  phiClass: PhiClass | 'unproven',
  currentYear: number,
): CellMasker {
  switch (transform) {
    case 'redact':
      return redact(form)
    case 'null':
      return () => null
    case 'year':
      return yearOnly(form, phiClass === 'date-of-death' ? 1 : currentYear - OLDEST_AGE)
    case 'zip3':
      return zip3(form)
    case 'age90':
      return age90(form)
    case 'partial':
      return partial(form)
    default:
      return assertNever(transform)
  }
}
