import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ageAt, dateText, LAST_DAY, timestampText } from './calendar.ts'
import { generateHospital, type HospitalOptions } from './generate.ts'
import { PLACES } from './places.ts'
import { TABLES, type TableName } from './tables.ts'

async function text(options: HospitalOptions): Promise<Map<TableName, string>> {
  const tables = new Map<TableName, string>()
  for await (const { table, copyText, rows } of generateHospital(options)) {
    expect(copyText.split('\n')).toHaveLength(rows + 1)
    tables.set(table, (tables.get(table) ?? '') + copyText)
  }
  return tables
}

function rowsOf(tables: Map<TableName, string>, table: TableName): Record<string, string>[] {
  const columns = TABLES.find(({ name }) => name === table)?.columns.map(([name]) => name) ?? []
  return (tables.get(table) ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const fields = line.split('\t')
      if (fields.length !== columns.length) throw new Error(`${table}: ${line}`)
      return Object.fromEntries(columns.map((name, at) => [name, fields[at] ?? '']))
    })
}

const values = (rows: Record<string, string>[], column: string): string[] => rows.map((row) => row[column] ?? '')

const digest = async (options: HospitalOptions): Promise<string> => {
  const hash = createHash('sha256')
  for await (const { table, copyText } of generateHospital(options)) hash.update(table).update(copyText)
  return hash.digest('hex')
}

const mean = (rows: Record<string, string>[]): number =>
  rows.reduce((sum, row) => sum + Number(row['value']), 0) / rows.length

const day = (date: string): number => Date.parse(date) / 86_400_000

describe('generateHospital', async () => {
  const tables = await text({ seed: 42, patients: 2500 })
  const patients = rowsOf(tables, 'patients')

  it('gives the same bytes for the same seed, today and tomorrow', async () => {
    const first = await digest({ seed: 1, patients: 50 })
    expect(await digest({ seed: 1, patients: 50 })).toBe(first)
    expect(await digest({ seed: 2, patients: 50 })).not.toBe(first)
    expect(await digest({ seed: 2 ** 32 + 1, patients: 50 })).not.toBe(first)
    // A change of the generator that moves this is a change for everybody who wrote down an example.
    expect(first).toBe('53055b548a2c680f1e9702bc562f64999888805d2f6c825fbdc3849b3e490038')
  })

  it('starts a larger hospital with the patients of a smaller one', async () => {
    const small = await text({ seed: 42, patients: 100 })
    for (const [table, rows] of small) expect(tables.get(table)?.startsWith(rows)).toBe(true)
  })

  it('refuses seeds and numbers that are not whole', async () => {
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 53]) {
      await expect(text({ seed: bad, patients: 1 })).rejects.toThrow(RangeError)
      await expect(text({ seed: 1, patients: bad })).rejects.toThrow(RangeError)
    }
    expect((await text({ seed: 1, patients: 0 })).size).toBe(0)
  })

  it('uses only numbers and addresses that belong to nobody', () => {
    for (const ssn of values(patients, 'ssn')) expect(ssn).toMatch(/^(?:9\d\d-[1-4]\d-(?!0000)\d{4}|\\N)$/)
    for (const phone of values(patients, 'phone')) expect(phone).toMatch(/^\([2-9]\d\d\) 555-01\d\d$/)
    for (const email of values(patients, 'email')) expect(email).toMatch(/^(?:[a-z0-9.]+@example\.org|\\N)$/)
    for (const [found] of (tables.get('notes') ?? '').matchAll(/\(\d{3}\) \d{3}-\d{4}/g)) {
      expect(found).toMatch(/555-01\d\d$/)
    }
  })

  it('gives nobody the number of another', () => {
    for (const column of ['id', 'mrn', 'ssn', 'email']) {
      const given = values(patients, column).filter((value) => value !== '\\N')
      expect(new Set(given).size, column).toBe(given.length)
    }
    expect(values(patients, 'id')[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('has infants, the very old, many states and restricted ZIP areas', () => {
    const ages = values(patients, 'birth_date').map((birth) => ageAt(day(birth), LAST_DAY))
    expect(Math.min(...ages)).toBeLessThan(2)
    expect(ages.filter((age) => age >= 90).length).toBeGreaterThan(20)
    expect(ages.filter((age) => age >= 18 && age < 65).length).toBeGreaterThan(1000)
    expect(new Set(values(patients, 'state')).size).toBeGreaterThan(25)
    const zips = values(patients, 'zip')
    expect(zips.some((zip) => ['036', '059', '692', '878', '893'].includes(zip.slice(0, 3)))).toBe(true)
    expect(zips.every((zip) => /^\d{5}$/.test(zip))).toBe(true)
    expect(new Set(PLACES.map(({ city, state }) => `${city}, ${state}`)).size).toBe(PLACES.length)
  })

  it('writes notes in which names and telephone numbers stand in the middle of the text', () => {
    const names = new Map(patients.map((row) => [row['id'], row['last_name'] ?? '']))
    const notes = rowsOf(tables, 'notes')
    const naming = notes.filter((note) => note['body']?.includes(names.get(note['patient_id']) ?? '?'))
    expect(naming.length / notes.length).toBeGreaterThan(0.4)
    expect(notes.filter((note) => /555-01\d\d/.test(note['body'] ?? '')).length / notes.length).toBeGreaterThan(0.4)
  })

  it('measures plausible values, moved by what the patient has', () => {
    const diabetic = new Set(
      rowsOf(tables, 'conditions')
        .filter((row) => row['code']?.startsWith('E1'))
        .map((row) => row['patient_id']),
    )
    const a1c = rowsOf(tables, 'observations').filter((row) => row['loinc'] === '4548-4')
    expect(a1c.length).toBeGreaterThan(100)
    expect(Math.min(...values(a1c, 'value').map(Number))).toBeGreaterThan(3)
    expect(mean(a1c.filter((row) => diabetic.has(row['patient_id'])))).toBeGreaterThan(
      mean(a1c.filter((row) => !diabetic.has(row['patient_id']))) + 0.5,
    )
    const saturation = rowsOf(tables, 'observations').filter((row) => row['unit'] === '%' && row['loinc'] === '59408-5')
    expect(saturation.every((row) => Number(row['value']) <= 100)).toBe(true)
  })

  it('has about five encounters a patient', () => {
    const encounters = (tables.get('encounters') ?? '').split('\n').length - 1
    expect(encounters / patients.length).toBeGreaterThan(4)
    expect(encounters / patients.length).toBeLessThan(7)
  })
})

describe('the calendar', () => {
  it('writes days and moments as PostgreSQL reads them', () => {
    expect(dateText(0)).toBe('1970-01-01')
    expect(dateText(LAST_DAY)).toBe('2026-06-30')
    expect(timestampText(0, 61)).toBe('1970-01-01 01:01:00+00')
    expect(timestampText(0, 1440 + 59)).toBe('1970-01-02 00:59:00+00')
    expect(() => dateText(-40_000)).toThrow(RangeError)
  })

  it('counts a birthday from the day itself', () => {
    expect(ageAt(day('1936-06-30'), LAST_DAY)).toBe(90)
    expect(ageAt(day('1936-07-01'), LAST_DAY)).toBe(89)
  })
})
