import { describe, expect, it } from 'vitest'
import { filteredPath, predicatePaths } from './json-filter.ts'

describe('paths with filters', () => {
  it.each([
    ['$', [], []],
    ['$.name[0].family', ['name', 0, 'family'], []],
    ['lax $."a b" [*]', ['a b', null], []],
    ['$.telecom[*] ? (@.system == "phone").value', ['telecom', null, 'value'], [['telecom', null, 'system']]],
    ['$.a ? (@ > 1 && !(@.b == true || 2 < @.c)) ? ($.d <> @)', ['a'], [['a'], ['a', 'b'], ['a', 'c'], ['d'], ['a']]],
    [
      '$ ? (@.a ? (@.b == 1).c == null)',
      [],
      [
        ['a', 'b'],
        ['a', 'c'],
      ],
    ],
  ])('%s', (path, steps, asked) => {
    const found = filteredPath(path)
    expect(found?.steps).toEqual(steps)
    expect(new Set(found?.asked.map(String))).toEqual(new Set(asked.map(String)))
  })

  it.each([
    '',
    'name',
    '$.*',
    '$.**.family',
    '$.name.size()',
    '$.name[last]',
    '$.name[0 to 3]',
    '$.name[$.n]',
    '$.name ? (@.family like_regex "^A")',
    '$.name ? (@.family starts with "A")',
    '$.name ? (exists(@.family))',
    '$.name ? (@.family == $x)',
    '$.name ? (@.n + 1 == 2)',
    '$.name ? (@.family == "a\\u0062")',
    '$.name ? (@.a == 1',
    '$.name ? (@.a)',
    '$.a == 1',
    `$.a ? ${'('.repeat(50)}@ == 1${')'.repeat(50)}`,
  ])('not %s', (path) => {
    expect(filteredPath(path)).toBeNull()
  })
})

describe('predicates', () => {
  it.each([
    ['$.gender == "male"', [['gender']]],
    ['strict $.a[0] >= 1.5 || ($.b == null && $.c != $.d)', [['a', 0], ['b'], ['c'], ['d']]],
  ])('%s', (path, asked) => {
    expect(predicatePaths(path)).toEqual(asked)
  })

  it.each(['$.gender', '$.a == 1 $', 'exists($.a)', '($.a == 1) is unknown', '$.a + 1 == 2', ''])('not %s', (path) => {
    expect(predicatePaths(path)).toBeNull()
  })
})
