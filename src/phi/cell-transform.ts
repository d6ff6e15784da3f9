import { assertNever } from '../lib/assert-never.ts'
import { oldestYear } from './age-rule.ts'
import type { PhiClass } from './classes.ts'
import type { Transform } from './transform-names.ts'
import { age90 } from './transforms/age90.ts'
import type { CellTransform } from './transforms/cell.ts'
import { constant } from './transforms/constant.ts'
import { type DetectContext, detectedText } from './transforms/detected-text.ts'
import { keepEnds } from './transforms/keep-ends.ts'
import { partial } from './transforms/partial.ts'
import { pseudonym } from './transforms/pseudonym.ts'
import { redact } from './transforms/redact.ts'
import { roundTo } from './transforms/round-to.ts'
import { token } from './transforms/token.ts'
import { truncate } from './transforms/truncate.ts'
import { yearOnly } from './transforms/year-only.ts'
import { zip3 } from './transforms/zip3.ts'
import type { ValueForm } from './value-form.ts'

/** What a transform has to know besides its label. */
export interface TransformContext extends DetectContext {
  /** Of the common era: years from which an age over 89 follows are not shown. */
  readonly currentYear: number
}

/** What a transform does to the cells of one form. */
export function cellTransform(
  transform: Transform,
  form: ValueForm,
  phiClass: PhiClass | 'unproven',
  context: TransformContext,
): CellTransform {
  const oldest = oldestYear(phiClass, context.currentYear)
  switch (transform) {
    case 'redact':
      return redact(form)
    case 'null':
      return () => null
    case 'year':
      return yearOnly(form, oldest)
    case 'zip3':
      return zip3(form)
    case 'age90':
      return age90(form)
    case 'partial':
      return partial(form)
    case 'token':
      return token(form, phiClass, context.standIns, oldest)
    default:
      break
  }
  switch (transform.kind) {
    case 'constant':
      return constant(form, transform.text)
    case 'keep-ends':
      return keepEnds(form, transform)
    case 'truncate':
      return truncate(form, transform.to, oldest)
    case 'round':
      return roundTo(form, transform.to)
    case 'detect':
      return detectedText(form, transform, context)
    case 'pseudonym':
      return pseudonym(form, phiClass, transform.pseudonyms, oldest)
    default:
      return assertNever(transform)
  }
}
