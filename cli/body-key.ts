import { readFileSync } from 'node:fs'
import { ChaperoneError } from '../src/lib/errors.ts'

/** The key of a journal's bodies, as the gateway has written it: 64 hexadecimal digits. */
export function readBodyKey(file: string): Buffer {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `the key file ${file} cannot be read`, cause })
  }
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the key file ${file} does not hold 64 hexadecimal digits`,
    })
  }
  return Buffer.from(text, 'hex')
}
