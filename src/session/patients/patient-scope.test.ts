import { describe, expect, it } from 'vitest'
import type { PatientConstant, PatientKeyForm, PatientUse, SqlFacts } from '../../inspect/sql/facts.ts'
import type { BoundValue } from '../../protocols/protocol.ts'
import { patientScope } from './patient-scope.ts'

const literal = (ordinal: number, more: Partial<PatientConstant> = {}): PatientConstant => ({
  at: { kind: 'literal', ordinal, negative: false },
  form: 'integer',
  isArray: false,
  ...more,
})
const parameter = (number: number, form: PatientKeyForm = 'integer', isArray = false): PatientConstant => ({
  at: { kind: 'parameter', number },
  form,
  isArray,
})
const text = (value: string | null, typeOid = 0): BoundValue => ({
  typeOid,
  format: 0,
  value: value === null ? null : Buffer.from(value),
})
const binary = (value: Buffer, typeOid: number): BoundValue => ({ typeOid, format: 1, value })

function factsWith(patients: PatientUse | undefined, more: Partial<SqlFacts> = {}): SqlFacts {
  return {
    command: 'SELECT',
    effects: ['read'],
    relations: [],
    functions: [],
    bounded: 'not-applicable',
    limited: false,
    hazards: [],
    outputs: [],
    phiReachable: true,
    questions: [],
    catalogUse: { relations: [], names: [], functions: [], operators: [] },
    session: { kind: 'none' },
    ...(patients === undefined ? {} : { patients }),
    ...more,
  }
}

const UUID = '6b3a1f0e-0000-4000-8000-000000000001'

function isWithin(
  patients: PatientUse | undefined,
  sql = 'SELECT * FROM p WHERE id = 5',
  parameters: readonly BoundValue[] = [],
  allowed: readonly string[] = ['5', 'P-7', UUID],
): boolean {
  return patientScope([factsWith(patients)], { sql, parameters }, allowed) === undefined
}

describe('the patients that a session may see', () => {
  it('refuses with a code of its own', () => {
    expect(patientScope([factsWith(undefined)], { sql: '', parameters: [] }, ['5'])?.code).toBe('CHP-PATIENT-SCOPE')
  })

  it.each<[string, PatientUse, string, BoundValue[]]>([
    ['a literal', { bound: [literal(0)] }, 'SELECT * FROM p WHERE id = 5', []],
    ['a quoted one', { bound: [literal(0)] }, "SELECT * FROM p WHERE id = ' 05 '", []],
    ['an array', { bound: [literal(0, { isArray: true })] }, 'SELECT * FROM p WHERE id = ANY (\'{5, "5"}\')', []],
    ['a parameter', { bound: [parameter(1)] }, '', [text('5')]],
    ['a declared one', { bound: [parameter(1)] }, '', [text('5', 20)]],
    ['a binary one', { bound: [parameter(1)] }, '', [binary(Buffer.from([0, 0, 0, 5]), 23)]],
    ['NULL, which nothing equals', { bound: [parameter(1)] }, '', [text(null)]],
    ['a text', { bound: [parameter(1, 'text')] }, '', [text('P-7')]],
    ['a uuid in capitals', { bound: [parameter(1, 'uuid')] }, '', [text(UUID.toUpperCase())]],
    ['an array of parameters', { bound: [parameter(1, 'integer', true)] }, '', [text('{5,5}')]],
    ['what is stored', { bound: [], stored: [literal(0)] }, 'INSERT INTO p VALUES (5)', []],
    ['a cursor that was looked at', { declared: true }, '', []],
  ])('lets pass %s', (_, patients, sql, parameters) => {
    expect(isWithin(patients, sql, parameters)).toBe(true)
  })

  it.each<[string, PatientUse | undefined, string, BoundValue[]]>([
    ['somebody else', { bound: [literal(0)] }, 'SELECT * FROM p WHERE id = 6', []],
    [
      'somebody else, negative',
      { bound: [literal(0, { at: { kind: 'literal', ordinal: 0, negative: true } })] },
      'SELECT -5',
      [],
    ],
    ['one of several', { bound: [literal(0), literal(1)] }, 'SELECT 5, 6', []],
    ['one of an array', { bound: [literal(0, { isArray: true })] }, "SELECT '{5,6}'", []],
    ['another spelling of a text', { bound: [parameter(1, 'text')] }, '', [text('p-7')]],
    ['a text with blanks', { bound: [parameter(1, 'text')] }, '', [text('P-7 ')]],
    ['a number that is rounded', { bound: [parameter(1)] }, '', [text('5.4', 1700)]],
    ['a decimal', { bound: [literal(0)] }, 'SELECT 5.0', []],
    ['another base', { bound: [literal(0)] }, "SELECT '0x5'", []],
    ['a type of another family', { bound: [parameter(1)] }, '', [binary(Buffer.alloc(8), 701)]],
    ['a text that is cut off', { bound: [parameter(1, 'text')] }, '', [text('P-7', 19)]],
    ['a binary value of an odd length', { bound: [parameter(1)] }, '', [binary(Buffer.from([5]), 20)]],
    ['a format that there is none of', { bound: [parameter(1)] }, '', [{ ...text('5'), format: 2 }]],
    ['a parameter that is not there', { bound: [parameter(2)] }, '', [text('5')]],
    ['an array that is none', { bound: [parameter(1, 'integer', true)] }, '', [text('5')]],
    ['what is stored for somebody else', { bound: [], stored: [literal(0)] }, 'INSERT INTO p VALUES (6)', []],
    ['what is stored for nobody known', { bound: [], stored: [undefined] }, '', []],
    ['what is not bound', { output: 0 }, '', []],
    ['PHI without a key beside it', { bound: [literal(0)], hasUnkeyed: true }, 'SELECT 5', []],
    ['PHI without a key', undefined, '', []],
  ])('refuses %s', (_, patients, sql, parameters) => {
    expect(isWithin(patients, sql, parameters)).toBe(false)
  })

  it.each<[PatientKeyForm, string, string, boolean]>([
    ['integer', '007', '7', true],
    ['text', '007', '007', true],
    ['text', '007', '7', false],
    ['text', '+7', '7', false],
    ['text', ' 7', '7', false],
    ['text', UUID.toUpperCase(), UUID, false],
    ['uuid', UUID.toUpperCase(), UUID, true],
  ])('takes a key for one of its own form only: %s, allowed %j, named %j', (form, allowed, named, isAllowed) => {
    expect(isWithin({ bound: [parameter(1, form)] }, '', [text(named)], [allowed])).toBe(isAllowed)
  })

  it('has nothing to say of what is free of PHI, and of writes that are not', () => {
    const free = factsWith(undefined, { phiReachable: false })
    expect(patientScope([free], { sql: '', parameters: [] }, [])).toBeUndefined()
    const use = { schema: 's', name: 't', oid: 1, action: 'truncate', columns: '*', phi: true } as const
    const truncation = factsWith(undefined, { phiReachable: false, relations: [use] })
    expect(patientScope([free, truncation], { sql: '', parameters: [] }, ['5'])).toBeDefined()
  })

  it('takes no place in a text that may have moved', () => {
    const span: PatientConstant = {
      at: { kind: 'span', start: 7, end: 8, negative: false },
      form: 'integer',
      isArray: false,
    }
    const sent = { sql: 'SELECT 5 /* */', parameters: [] }
    expect(patientScope([factsWith({ bound: [span] })], sent, ['5'])).toBeUndefined()
    expect(patientScope([factsWith({ bound: [span] }, { sites: [] })], sent, ['5'])).toBeDefined()
  })
})
