import { describe, expect, it } from 'vitest'
import type { TargetAccount } from '../protocol.ts'
import { checkTarget, schemasOf } from './login-checks.ts'
import type { LoggedInTarget } from './target-login.ts'

const GOOD: readonly (string | null)[] = ['4711', '180004', '["public", "app", "a=b", null]', 'f', 'f', 'f', 'f']

async function check(
  row: readonly (string | null)[] | undefined,
  acceptedRisks: readonly string[] = [],
): Promise<string> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the checks look at
  const target = {
    key: { processId: 4711 },
    client: { query: () => Promise.resolve(row === undefined ? [] : [row]) },
  } as unknown as LoggedInTarget
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  const account = { acceptedRisks } as unknown as TargetAccount
  return checkTarget(target, account).then(
    ({ serverMajor, searchPath }) => `${serverMajor} ${searchPath.join()}`,
    (error: unknown) =>
      error instanceof Error && 'reason' in error ? String(error.reason) : expect.fail(String(error)),
  )
}

const having = (column: number, value: string | null): readonly (string | null)[] => GOOD.with(column, value)

describe('the checks after logging in to a target', () => {
  it('let a plain role on a supported server pass', async () => {
    expect(await check(GOOD)).toBe('18 public')
    expect(await check(having(1, '140000'))).toBe('14 public')
  })

  it.each([
    ['an old server', 1, '130010', 'not supported'],
    ['a server of the future', 1, '190000', 'not supported'],
    ['no version', 1, null, 'not supported'],
    ['a pooler in between', 0, '4712', 'acceptRisks: [session-pooler]'],
    ['a superuser', 3, 't', 'acceptRisks: [superuser]'],
    ['a role that may replicate', 4, 't', 'acceptRisks: [replication]'],
    ['a role that bypasses row security', 5, 't', 'acceptRisks: [bypass-row-security]'],
    ['a role that reads files', 6, 't', 'acceptRisks: [server-files]'],
    ['a role that nobody knows', 3, null, 'not in pg_roles'],
  ])('refuse %s', async (_, column, value, text) => {
    expect(await check(having(column, value))).toContain(text)
  })

  it('refuse when there is no answer', async () => {
    expect(await check(undefined)).toContain('not in pg_roles')
    expect(await check([])).toContain('not in pg_roles')
  })

  it('accept each risk by its name, and a superuser for what comes with it', async () => {
    expect(await check(having(5, 't'), ['bypass-row-security'])).toBe('18 public')
    expect(await check(having(5, 't'), ['superuser', 'server-files'])).toContain('bypass-row-security')
    expect(await check(['4711', '180004', '["", "app", "", null]', 't', 't', 't', 't'], ['superuser'])).toBe('18 ')
    expect(await check(['1', '180004', '["", "app", "", null]', 't', 't', 't', 't'], ['superuser'])).toContain(
      'session-pooler',
    )
  })
})

describe('schemasOf', () => {
  it.each([
    ['public', ['public']],
    ['"$user", public', ['app', 'public']],
    ['$user,Hospital , "Mixed Case"', ['app', 'hospital', 'Mixed Case']],
    ['"a,b", "with ""quotes"" in it"', ['a,b', 'with "quotes" in it']],
    ['pg_temp, not_there_yet, pg_catalog', ['not_there_yet', 'pg_catalog']],
    ['', []],
    ['""', []],
  ])('reads %s', (setting, schemas) => {
    expect(schemasOf(setting, 'app')).toEqual(schemas)
  })
})
