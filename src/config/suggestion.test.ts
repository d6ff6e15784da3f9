import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { suggestion } from './suggestion.ts'

it.each([
  ['hots', ['host', 'port'], 'host'],
  ['date_of_birth', ['date-of-death', 'date-of-birth'], 'date-of-birth'],
  ['maxConection', ['maxConnections', 'maxConnectionsPerAddress'], 'maxConnections'],
  ['TLS', ['tls'], 'tls'],
])('%s', (word, candidates, expected) => {
  expect(suggestion(word, candidates)).toBe(` Did you mean "${expected}"?`)
})

it('says nothing when nothing is near', () => {
  expect(suggestion('budgets', ['name', 'targets'])).toBe('')
  expect(suggestion('x', [])).toBe('')
})

it('finds every word itself', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,12}$/), (word) => {
      expect(suggestion(word, ['zzzzzzzzzzzzzzzzzz', word])).toBe(` Did you mean "${word}"?`)
    }),
  )
})
