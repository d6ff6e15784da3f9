import { expect, it } from 'vitest'
import { diffPolicies } from './policy-diff.ts'

const diff = (before: object, after: object) => diffPolicies(JSON.stringify(before), JSON.stringify(after))

it.each<readonly [object, object, readonly string[]]>([
  [{ a: 1 }, { a: 1 }, []],
  [{ a: 1 }, { a: 2, b: null }, ['~ a: 1 → 2', '+ b: null']],
  [{ a: { b: [] } }, { a: {} }, ['- a.b: []']],
  [
    { grants: [{ name: 'x', use: 'access' }] },
    {
      grants: [
        { name: 'y', use: 'access' },
        { name: 'x', use: 'delegation' },
      ],
    },
    ['~ grants[x].use: "access" → "delegation"', '+ grants[y]: {"name":"y","use":"access"}'],
  ],
  [
    { labels: [{ key: 'a.b.c', class: 'ssn' }] },
    { labels: [{ key: 'a.b.c', class: 'none' }] },
    ['~ labels[a.b.c].class: "ssn" → "none"'],
  ],
  [{ l: ['a', 'b'] }, { l: ['b', 'a'] }, ['~ l: ["a","b"] → ["b","a"]']],
  // Names that are there twice tell nothing apart.
  [
    { l: [{ name: 'a' }, { name: 'a' }] },
    { l: [{ name: 'a' }] },
    ['~ l: [{"name":"a"},{"name":"a"}] → [{"name":"a"}]'],
  ],
  [{ __proto__x: 1 }, {}, ['- __proto__x: 1']],
  [{ a: 'x'.repeat(200) }, {}, [`- a: "${'x'.repeat(119)}…`]],
])('%j to %j', (before, after, lines) => {
  expect(diff(before, after)).toEqual(lines)
})
