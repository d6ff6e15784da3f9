import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const source = readFileSync(join(import.meta.dirname, 'page.mjs'), 'utf8')

describe('the script of the page', () => {
  it('is sound against the types of a browser', async () => {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', 'tsconfig.page.json'], {
      cwd: root,
    })
    expect(stdout).toBe('')
  })

  it('makes no markup and runs no text', () => {
    expect(source).not.toMatch(
      /innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|eval\(|new Function|setTimeout\(['"`]/,
    )
    expect(source.match(/parseFromString/g)).toHaveLength(1)
  })

  it('asks nobody but the gateway', () => {
    expect(source).not.toMatch(/https?:\/\//)
    expect(source).not.toMatch(/localStorage|sessionStorage|document\.cookie/)
  })
})
