import { describe, expect, it } from 'vitest'
import { isQuery, scriptItems, substituted } from './script.ts'

const statements = (text: string): readonly string[] =>
  [...scriptItems(text)].flatMap((item) => (item.kind === 'statement' ? [item.sql] : []))

describe('scriptItems', () => {
  it.each<[string, readonly string[]]>([
    ['select 1; select 2;', ['select 1', 'select 2']],
    ["select ';', ';;''', e'\\';', \"a;b\"; x;", ["select ';', ';;''', e'\\';', \"a;b\"", 'x']],
    ['do $$ begin; end $$; select $a$;$$;$a$;', ['do $$ begin; end $$', 'select $a$;$$;$a$']],
    [
      'select 1 -- not; here\n; /* a; /* b; */ c; */ select 2;',
      ['select 1 -- not; here', '/* a; /* b; */ c; */ select 2'],
    ],
    [
      'create rule r as on insert to t do (select 1; select 2); x;',
      ['create rule r as on insert to t do (select 1; select 2)', 'x'],
    ],
    [
      'create function f() returns int begin atomic select case when a then 1 end; select 2; end; x;',
      ['create function f() returns int begin atomic select case when a then 1 end; select 2; end', 'x'],
    ],
    ['begin; select 1; end;', ['begin', 'select 1', 'end']],
    ['select 1 \\; select 2;', ['select 1', 'select 2']],
    ['select 1', []],
  ])('%s', (text, expected) => {
    expect(statements(text)).toEqual(expected)
  })

  it('tells commands, what they send, and data', () => {
    const text = '\\set a 1\nselect 2 as b \\gset p_\ncopy t from stdin;\n1;\t2\n\\.\n\\d t\nselect\n\\echo x\n3;'
    expect([...scriptItems(text)]).toEqual([
      { kind: 'command', text: 'set a 1' },
      { kind: 'statement', sql: 'select 2 as b', ending: 'gset p_' },
      { kind: 'statement', sql: 'copy t from stdin', ending: null },
      { kind: 'data', lines: '1;\t2\n' },
      { kind: 'command', text: 'd t' },
      { kind: 'command', text: 'echo x' },
      { kind: 'statement', sql: 'select\n\n3', ending: null },
    ])
  })
})

it('substitutes variables as psql does', () => {
  const variables = new Map([
    ['a', "it's"],
    ['n', '5'],
  ])
  expect(substituted(`select :'a', :"a", :n, x::n, ':n', [1:2], :unset`, variables)).toBe(
    `select 'it''s', "it's", 5, x::n, ':n', [1:2], :unset`,
  )
})

it.each([
  ['select 1', true],
  ['-- why\n ((select 1) union select 2)', true],
  ['WITH a AS (select 1) table a', true],
  ['values (1)', true],
  ['selection', false],
  ['insert into t select 1', false],
])('isQuery: %s', (sql, expected) => {
  expect(isQuery(sql)).toBe(expected)
})
