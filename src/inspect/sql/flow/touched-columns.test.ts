import { loadModule } from 'libpg-query'
import { beforeAll, expect, it } from 'vitest'
import { flow } from './flow-test-support.ts'

beforeAll(() => loadModule())

it.each([
  ["UPDATE people SET sex = 'x' WHERE id = 1", false],
  ["UPDATE people SET sex = 'x', ssn = '1' WHERE id = 1", true],
  ["UPDATE people SET (sex, surname) = ('x', 'y') WHERE id = 1", true],
  ["UPDATE people SET phones[1] = 'x' WHERE id = 1", true],
  ["UPDATE people SET nothing = 'x' WHERE id = 1", true],
  ["UPDATE visits SET code = 'x' WHERE id = 1", false],
  ["UPDATE people_cards SET id = '1'", undefined],
  ["MERGE INTO people p USING visits v ON v.person = p.id WHEN MATCHED THEN UPDATE SET sex = 'x'", false],
  ["MERGE INTO people p USING visits v ON v.person = p.id WHEN MATCHED THEN UPDATE SET ssn = 'x'", true],
  ["INSERT INTO people (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET home = 'x'", true],
  ["WITH u AS (UPDATE people SET sex = 'x' RETURNING id) UPDATE people SET born = NULL WHERE id = 2", true],
])('%s', (sql, touches) => {
  expect(flow(sql).relations.find(({ action }) => action === 'update')?.touchesPhi).toBe(touches)
})
