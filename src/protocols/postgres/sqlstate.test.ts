import { describe, expect, it } from 'vitest'
import { ERRORS } from '../../lib/errors.ts'
import { conditionName } from './sqlstate.ts'

describe('conditionName', () => {
  it.each([
    ['23505', 'unique_violation'],
    ['42601', 'syntax_error'],
    ['57014', 'query_canceled'],
    ['08P01', 'protocol_violation'],
    ['P0001', 'raise_exception'],
    ['XX000', 'internal_error'],
    ['00000', 'successful_completion'],
    ['23ZZZ', 'integrity_constraint_violation'],
    ['42ZZZ', 'syntax_error_or_access_rule_violation'],
    ['99999', 'error'],
    ['10ZZZ', 'error'],
    ['', 'error'],
    ['123-45-6789', 'error'],
  ])('%s is %s', (sqlstate, name) => {
    expect(conditionName(sqlstate)).toBe(name)
  })

  it('knows every SQLSTATE that the gateway itself uses', () => {
    for (const { sqlstate } of Object.values(ERRORS)) expect(conditionName(sqlstate)).not.toBe('error')
  })
})
