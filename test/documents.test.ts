import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '..')
const FOLDERS = ['docs', 'src', 'cli', 'demo', 'bench', 'test', 'deploy']

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...FOLDERS.filter((folder) => existsSync(join(root, folder))).flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.md'))
      .map((path) => join(folder, path)),
  ),
]

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('documents', () => {
  it('link to files that are there', () => {
    const broken = documents.flatMap((path) =>
      Array.from(read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g), ([, link = '']) => link)
        .filter((link) => !existsSync(join(root, dirname(path), link)))
        .map((link) => `${path}: ${link}`),
    )
    expect(broken.join('\n')).toBe('')
  })

  it('name npm scripts that exist', () => {
    const unknown = documents.flatMap((path) =>
      Array.from(read(path).matchAll(/\bnpm run ([a-z][a-z:]*)/g), ([, name = '']) => name)
        .filter((name) => !(name in manifest.scripts))
        .map((name) => `${path}: npm run ${name}`),
    )
    expect(unknown.join('\n')).toBe('')
  })
})

describe('docs/fail-closed.md', () => {
  const rows = read('docs/fail-closed.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| Seam'))

  it('names a test for every seam', () => {
    expect(rows.length).toBeGreaterThan(30)
    expect(rows.filter((row) => !/\.test\.ts`/.test(row)).join('\n')).toBe('')
  })

  it('names tests that exist', () => {
    const named = rows.flatMap((row) => Array.from(row.matchAll(/`([^`]+\.test\.ts)`/g), ([, path = '']) => path))
    expect([...new Set(named)].filter((path) => !existsSync(join(root, path)))).toEqual([])
  })
})
