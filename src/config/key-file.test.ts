import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeKeyFile } from './key-file.ts'
import { parseKey } from './secret-key.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'chaperone-key-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('makeKeyFile', () => {
  it('makes a key that its owner alone can read, and leaves nothing beside it', () => {
    const file = join(directory, 'state', 'token.key')
    expect(makeKeyFile(file, 'base64')).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(parseKey(readFileSync(file, 'utf8'))).toHaveLength(32)
    expect(readdirSync(join(directory, 'state'))).toEqual(['token.key'])
  })

  it('leaves a key that is there alone, whatever it holds', () => {
    const file = join(directory, 'token.key')
    writeFileSync(file, 'something')
    expect(makeKeyFile(file, 'hex')).toBe(false)
    expect(readFileSync(file, 'utf8')).toBe('something')
    expect(readdirSync(directory)).toEqual(['token.key'])
  })

  it('says when it cannot', () => {
    const file = join(directory, 'not-a-directory', 'token.key')
    writeFileSync(join(directory, 'not-a-directory'), '')
    expect(() => makeKeyFile(file, 'hex')).toThrow('cannot be made')
  })
})
