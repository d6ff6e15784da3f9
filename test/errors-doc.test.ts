import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERRORS } from '../src/lib/errors.ts'

const root = join(import.meta.dirname, '..')
const CODE = /\bCHP-[A-Z0-9]+(?:-[A-Z0-9]+)*(?![\w-])/g

interface Row {
  readonly code: string
  readonly sqlstate: string
  readonly blame: string
}

/** Rows of the form: | `CHP-…` | `28P01` | client | … | … | */
function documented(text: string): Row[] {
  const row = /^\| `(CHP-[A-Z0-9-]+)` \| `([0-9A-Z]{5})` \| (\w+) \|/gm
  return Array.from(text.matchAll(row), ([, code = '', sqlstate = '', blame = '']) => ({ code, sqlstate, blame }))
}

function filesBelow(folder: string, extension: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(extension))
    .map((path) => join(folder, path))
}

const codesIn = (path: string): string[] => readFileSync(join(root, path), 'utf8').match(CODE) ?? []
const lines = (list: readonly string[]): string => list.toSorted().join('\n')

const asLine = (row: Row): string => `| \`${row.code}\` | \`${row.sqlstate}\` | ${row.blame} |`

const rows = documented(readFileSync(join(root, 'docs', 'errors.md'), 'utf8'))
const catalogue = Object.entries(ERRORS).map(([code, { sqlstate, blame }]) => ({ code, sqlstate, blame }))
const known = new Set(Object.keys(ERRORS))
const product = [...filesBelow('src', '.ts'), ...filesBelow('cli', '.ts')]
const PAGES = ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
const documents = [...filesBelow('docs', '.md'), ...PAGES.filter((path) => existsSync(join(root, path)))]
const code = product.filter((path) => !path.endsWith('.test.ts') && path !== join('src', 'lib', 'errors.ts'))

describe('docs/errors.md', () => {
  it('lists every code once, with the SQLSTATE and the blame of the catalogue, and no other', () => {
    expect(lines(rows.map(asLine)), 'docs/errors.md and src/lib/errors.ts differ: edit the one that is wrong').toBe(
      lines(catalogue.map(asLine)),
    )
  })

  it('is sorted, so that a code is found and a duplicate seen', () => {
    expect(rows.map((row) => row.code)).toEqual(rows.map((row) => row.code).toSorted())
  })
})

describe('error codes', () => {
  it('are used by the code: a code that cannot happen misleads who handles it', () => {
    const used = new Set(code.flatMap(codesIn))
    expect(lines([...known].filter((name) => !used.has(name)))).toBe('')
  })

  it('come from the catalogue, in code, tests and documents', () => {
    const unknown = [...product, ...filesBelow('demo', '.ts'), ...filesBelow('test', '.ts'), ...documents]
      .filter((path) => path !== join('test', 'errors-doc.test.ts'))
      .flatMap((path) =>
        codesIn(path)
          .filter((name) => !known.has(name))
          .map((name) => `${path}: ${name}`),
      )
    expect(lines(unknown)).toBe('')
  })

  it('have a title and a hint that are sentences without values', () => {
    for (const [name, { title, hint }] of Object.entries(ERRORS)) {
      expect(title, name).toMatch(/^[a-z][^\n]*[^.]$/)
      expect(hint, name).toMatch(/^[A-Z][^\n]*\.$/)
      expect(`${title} ${hint}`, name).not.toMatch(/\$\{|%s/)
    }
  })
})

describe('the pattern for codes', () => {
  it('finds whole codes only', () => {
    expect('throw new E(\'CHP-A-B\') `CHP-SQL-${x}` "CHP-INTERNAL" CHP-…'.match(CODE)).toEqual([
      'CHP-A-B',
      'CHP-INTERNAL',
    ])
  })
})
