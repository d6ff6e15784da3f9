import { randomFillSync } from 'node:crypto'

const SUPPLY_BYTES = 16 * 1024

let supply = Buffer.alloc(0)
let used = 0

/** Random bytes, none of them given twice. Asking the system for a few at a time costs more than all the rest of making a token. */
export function takeRandom(bytes: number): Buffer {
  if (used + bytes > supply.length) {
    supply = randomFillSync(Buffer.alloc(Math.max(SUPPLY_BYTES, bytes)))
    used = 0
  }
  used += bytes
  return supply.subarray(used - bytes, used)
}
