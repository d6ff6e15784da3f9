import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { codeOf } from '../lib/error-code.ts'
import { ChaperoneError } from '../lib/errors.ts'

const KEY_BYTES = 32

/**
 * Makes a file with a random key, readable by the gateway's own user only, unless there is one. True when it was made. The file
 * is complete and on disk before it has its name: a key that is lost with a loss of power has encrypted nothing, and of two
 * gateways that start at once both use the same one.
 */
export function makeKeyFile(file: string, encoding: 'hex' | 'base64'): boolean {
  if (existsSync(file)) return false
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    return makeIt(file, `${randomBytes(KEY_BYTES).toString(encoding)}\n`)
  } catch (error) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `the key file ${file} cannot be made`, cause: error })
  }
}

function makeIt(file: string, content: string): boolean {
  const unfinished = `${file}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(unfinished, content, { flag: 'wx', mode: 0o600, flush: true })
    const made = nameIt(unfinished, file)
    sync(dirname(file))
    return made
  } finally {
    rmSync(unfinished, { force: true })
  }
}

/** False when another gateway was faster. */
function nameIt(unfinished: string, file: string): boolean {
  try {
    linkSync(unfinished, file)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function sync(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
