import { describe, expect, it } from 'vitest'
import { type DocumentNode, documentTree } from './document.ts'
import type { Label } from './labels.ts'

const name: Label = { class: 'name', transform: 'redact' }
const zip: Label = { class: 'zip', transform: 'zip3' }
const text: Label = { class: 'free-text', transform: 'redact' }
const phi = (label: Label): DocumentNode => ({ kind: 'phi', label })
const clear: DocumentNode = { kind: 'clear' }
const members = (entries: Readonly<Record<string, DocumentNode>>, others: DocumentNode): DocumentNode => ({
  kind: 'members',
  members: new Map(Object.entries(entries)),
  others,
})

describe('documentTree', () => {
  it('has a branch for each name, and the others everywhere else', () => {
    const rules = [
      { path: ['name', 'family'], label: name },
      { path: ['address', 'postalCode'], label: zip },
      { path: ['gender'], label: 'none' },
    ] as const
    const tree = (others: DocumentNode) =>
      members(
        {
          name: members({ family: phi(name) }, others),
          address: members({ postalCode: phi(zip) }, others),
          gender: clear,
        },
        others,
      )
    expect(documentTree(rules, text)).toEqual(tree(phi(text)))
    expect(documentTree(rules, 'none')).toEqual(tree(clear))
  })

  it('lets the longer path win, in any order, and covers what lies below a label', () => {
    const rules = [
      { path: ['name'], label: name },
      { path: ['name', 'use'], label: 'none' },
      { path: ['name', 'period', 'start'], label: zip },
    ] as const
    const expected = members(
      { name: members({ use: clear, period: members({ start: phi(zip) }, phi(name)) }, phi(name)) },
      clear,
    )
    expect(documentTree(rules, 'none')).toEqual(expected)
    expect(documentTree(rules.toReversed(), 'none')).toEqual(expected)
  })

  it('is not misled by names that objects have', () => {
    const tree = documentTree([{ path: ['__proto__', 'constructor'], label: name }], 'none')
    expect(tree).toEqual({
      kind: 'members',
      members: new Map([['__proto__', members({ constructor: phi(name) }, clear)]]),
      others: clear,
    })
  })
})
