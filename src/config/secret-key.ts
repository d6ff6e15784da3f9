import { readFileSync } from 'node:fs'
import { codeOf } from '../lib/error-code.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { Environment } from './environment.ts'
import type { KeyReference } from './store-config.ts'

const KEY_BYTES = 32

/** How an operator makes a key. */
export const MAKE_A_KEY = 'head -c 32 /dev/urandom | base64'

/** 32 bytes in base64, with or without padding and blanks around it; undefined for anything else. */
export function parseKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return undefined
  const key = Buffer.from(trimmed, 'base64')
  // A last character with bits that are not used is a slip: another text would be the same key.
  return key.length === KEY_BYTES && key.toString('base64') === trimmed.padEnd(44, '=') ? key : undefined
}

/** The key behind a reference. `setting` names it in the error, CHP-CONFIG-INVALID, which never quotes what was read. */
export function readKey(reference: KeyReference, setting: string, environment: Environment): Buffer {
  const text = reference.kind === 'file' ? readKeyFile(reference.file, setting) : environment[reference.variable]
  const key = parseKey(text ?? '')
  if (key !== undefined) return key
  throw invalid(`${setting} is not 32 bytes in base64; make one with: ${MAKE_A_KEY}`)
}

function readKeyFile(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(`the file of ${setting} cannot be read (${codeOf(error) ?? 'error'})`)
  }
}

function invalid(message: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', { message })
}
