import { readFileSync } from 'node:fs'
import { ChaperoneError } from '../lib/errors.ts'
import type { KeyReference } from './config.ts'
import type { Environment } from './environment.ts'

const KEY_BYTES = 32

/** How an operator makes a key. */
export const MAKE_A_KEY = 'head -c 32 /dev/urandom | base64'

/** 32 bytes in base64, with or without padding and blanks around it; undefined for anything else. */
export function parsePseudonymKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(trimmed)) return undefined
  const key = Buffer.from(trimmed, 'base64')
  // A last character with bits that are not used is a slip: another text would be the same key.
  return key.length === KEY_BYTES && key.toString('base64') === trimmed.padEnd(44, '=') ? key : undefined
}

/** The key of the transform `pseudonym`; undefined when the configuration names none. Throws CHP-CONFIG-INVALID. */
export function readPseudonymKey(reference: KeyReference | undefined, environment: Environment): Buffer | undefined {
  if (reference === undefined) return undefined
  const text = reference.kind === 'file' ? readKeyFile(reference.file) : (environment[reference.variable] ?? '')
  const key = parsePseudonymKey(text)
  if (key !== undefined) return key
  throw invalid(`phi.pseudonymKey is not 32 bytes in base64; make one with: ${MAKE_A_KEY}`)
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    throw invalid(`the file of phi.pseudonymKey cannot be read (${code})`)
  }
}

function invalid(message: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', { message })
}
