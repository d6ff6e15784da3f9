import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { proceduralBody } from './plpgsql.ts'
import { bodyOf, unwrap } from './syntax-tree.ts'
import { parseOne } from './test-parse.ts'

function read(sql: string): {
  statements: readonly string[]
  hazards: readonly string[]
  variables: ReadonlySet<string>
} {
  const statement = bodyOf(parseOne(sql), 'DoStmt') ?? {}
  const body = proceduralBody(statement)
  return {
    statements: body.statements.map((node) => unwrap(node).name),
    hazards: body.hazards.map((hazard) => hazard.subject),
    variables: body.variables,
  }
}

beforeAll(() => loadModule())

describe('proceduralBody', () => {
  it('finds static SQL wherever it stands', () => {
    const block = `DO $$ declare r record; n int := (select count(*) from a); begin
      if exists (select 1 from b) then delete from c where id = n; elsif n > 1 then update d set x = 1; else insert into e values (1); end if;
      for r in select * from f loop perform g(r.x); end loop;
      case n when 1 then truncate h; else null; end case;
      n := (select max(x) from i);
      begin delete from j; exception when others then delete from k; end;
      raise notice '%', (select l from l);
      lock table m;
      end $$`
    const found = read(block)
    expect(found.hazards).toEqual([])
    const counts = new Map<string, number>()
    for (const name of found.statements) counts.set(name, (counts.get(name) ?? 0) + 1)
    expect(counts.get('DeleteStmt')).toBe(3)
    expect(counts.get('UpdateStmt')).toBe(1)
    expect(counts.get('InsertStmt')).toBe(1)
    expect(counts.get('TruncateStmt')).toBe(1)
    expect(counts.get('LockStmt')).toBe(1)
    expect(counts.get('SelectStmt')).toBeGreaterThanOrEqual(8)
    expect(found.variables.has('n')).toBe(true)
  })

  it.each([
    ["execute 'delete from t'", 'dynexecute'],
    ["execute format('drop table %I', 'x')", 'dynexecute'],
    ["for r in execute 'select 1' loop null; end loop", 'dynfors'],
    ['open c for select 1', 'open'],
    ["open c for execute 'select 1'", 'open'],
    ['call p()', 'call'],
  ])('names what it cannot read: %s', (statement, subject) => {
    expect(read(`DO $$ declare r record; c refcursor; begin ${statement}; end $$`).hazards).toContain(subject)
  })

  it.each([
    'DO LANGUAGE plpython3u $$ x $$',
    'DO LANGUAGE sql $$ select 1 $$',
    'DO $$ not a block $$',
    'DO $$ begin selec 1; end $$',
    'DO $$ begin for x in select 1 loop null; end loop; end $$',
    'DO LANGUAGE plpgsql',
    "DO $$ begin perform 'a\u0001'; ; end",
  ])('does not analyse %j', (sql) => {
    let found: ReturnType<typeof read>
    try {
      found = read(sql)
    } catch (error) {
      // The parser itself refuses some of them.
      expect(error).toMatchObject({ name: 'SqlError' })
      return
    }
    expect(found.hazards).toContain('DO')
  })

  it('is not fooled by dollar quotes in the body', () => {
    expect(read('DO $x$ begin perform $$a$$, $chaperone$b$chaperone$; delete from t; end $x$').statements).toContain(
      'DeleteStmt',
    )
  })

  it('reads assignments to elements', () => {
    const found = read('DO $$ declare a int[]; begin a[(select 1)] := (select 2 from t); end $$')
    expect(found.hazards).toEqual([])
    expect(found.statements).toContain('SelectStmt')
  })
})
