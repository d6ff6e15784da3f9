import { constantRefused } from '../../decide/stand-in-policy.ts'
import type { Catalog } from '../../inspect/sql/catalog.ts'
import type { StoredColumn } from '../../inspect/sql/facts.ts'
import { assertNever } from '../../lib/assert-never.ts'
import { ChaperoneError, ERRORS } from '../../lib/errors.ts'
import type { Refused } from './judge-constant.ts'

/** The error for a constant that may not be where it is. It names the column and no value. */
export function constantRefusal(why: Refused, column: StoredColumn, catalog: Catalog): ChaperoneError {
  const name = nameOf(column, catalog)
  switch (why) {
    case 'compared':
    case 'held': {
      const { code, ...details } = constantRefused([name], why === 'held' ? 'hold' : 'stand-ins-only')
      return new ChaperoneError(code, details)
    }
    case 'written-back':
      return new ChaperoneError('CHP-MASK-WRITE-BACK', { message: `${ERRORS['CHP-MASK-WRITE-BACK'].title}: ${name}` })
    case 'unreadable':
      return new ChaperoneError('CHP-MASK-WRITE-BACK', {
        message: `it cannot be told whether a masked value would be stored: ${name}`,
        hint: 'Send the value as text, or declare the type of the parameter.',
      })
    case 'unknown':
      return new ChaperoneError('CHP-TOKEN-UNKNOWN', { message: `${ERRORS['CHP-TOKEN-UNKNOWN'].title}: ${name}` })
    default:
      return assertNever(why)
  }
}

function nameOf({ oid, attnum }: StoredColumn, { relations }: Catalog): string {
  const relation = relations.find((one) => one.oid === oid)
  const column = relation?.columns.find((one) => one.attnum === attnum)
  return relation === undefined || column === undefined
    ? 'a column that is not known'
    : `${relation.schema}.${relation.name}.${column.name}`
}
