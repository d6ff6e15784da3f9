import { describe, expect, it } from 'vitest'
import { type OperationBinding, operationDigest } from './operation-digest.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

const BINDING: OperationBinding = {
  target: 'hospital',
  statement: 'UPDATE ehr.patient SET city = $1 WHERE id = $2',
  parameters: [
    { typeOid: 25, format: 0, value: base64('Springfield') },
    { typeOid: 23, format: 1, value: 'AAAABw==' },
  ],
  settings: { search_path: '"$user", public', role: 'none' },
  catalog: 'c'.repeat(64),
  chain: '["agents/planner","clinic/dora"]',
  purpose: 'TREAT',
  run: 'run-1',
  patients: ['7', '8'],
  policy: 'sha256:a',
  access: 'access-1',
}

const [city, id] = BINDING.parameters
if (city === undefined || id === undefined) throw new Error('there are two parameters')

const OTHERS: readonly (readonly [string, Partial<OperationBinding>])[] = [
  ['target', { target: 'clinic' }],
  ['statement', { statement: 'UPDATE ehr.patient SET city = $1 WHERE id = $2 ' }],
  ['letter case', { statement: 'update ehr.patient SET city = $1 WHERE id = $2' }],
  ['parameter', { parameters: [city, { ...id, value: 'AAAACA==' }] }],
  ['parameter that is null', { parameters: [{ ...city, value: null }, id] }],
  ['empty parameter', { parameters: [{ ...city, value: '' }, id] }],
  ['type of a parameter', { parameters: [{ ...city, typeOid: 1043 }, id] }],
  ['format of a parameter', { parameters: [{ ...city, format: 1 }, id] }],
  ['order of parameters', { parameters: [id, city] }],
  ['number of parameters', { parameters: [city] }],
  ['search_path', { settings: { ...BINDING.settings, search_path: 'evil, public' } }],
  ['role', { settings: { ...BINDING.settings, role: 'owner' } }],
  ['setting that is not named', { settings: { ...BINDING.settings, 'session 1 change': '1' } }],
  ['catalog', { catalog: 'd'.repeat(64) }],
  ['chain', { chain: '["agents/planner"]' }],
  ['purpose', { purpose: 'HPAYMT' }],
  ['purpose that is absent', { purpose: undefined }],
  ['run', { run: 'run-2' }],
  ['run that is absent', { run: undefined }],
  ['patients', { patients: ['7'] }],
  ['patients that are absent', { patients: undefined }],
  ['patients that are none', { patients: [] }],
  ['policy', { policy: 'sha256:b' }],
  ['access', { access: 'access-2' }],
]

describe('operationDigest', () => {
  it('is the same for the same, however it was put together', () => {
    const reversed = Object.fromEntries(Object.entries(BINDING).toReversed()) as unknown
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same members in another order
    expect(operationDigest(reversed as OperationBinding)).toBe(operationDigest({ ...BINDING }))
    expect(operationDigest({ ...BINDING, patients: ['8', '7', '8'] })).toBe(operationDigest(BINDING))
    expect(operationDigest(BINDING)).toMatch(/^[0-9a-f]{64}$/)
  })

  it.each(OTHERS)('is another for another %s', (_, change) => {
    expect(operationDigest({ ...BINDING, ...change })).not.toBe(operationDigest(BINDING))
  })

  it('differs between any two of them', () => {
    const all = OTHERS.map(([, change]) => operationDigest({ ...BINDING, ...change }))
    expect(new Set(all).size).toBe(all.length)
  })
})
