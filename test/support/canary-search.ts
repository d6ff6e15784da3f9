import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The canaries that are in some bytes, as they are, in hexadecimal or in base64. */
export function found(canaries: readonly string[], bytes: Buffer): string[] {
  const text = bytes.toString('latin1').toLowerCase()
  const encoded = bytes.toString('latin1')
  return canaries.filter(
    (canary) =>
      text.includes(canary.toLowerCase()) ||
      text.includes(Buffer.from(canary).toString('hex')) ||
      base64Forms(canary).some((form) => encoded.includes(form)),
  )
}

/** What stands in base64 text for a value, whatever stands before and behind it. */
function base64Forms(value: string): string[] {
  return [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)])
    const whole = bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64')
    return whole.slice(shift === 0 ? 0 : 4)
  })
}

export function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
