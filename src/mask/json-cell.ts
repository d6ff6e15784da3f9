import type { ValueForm } from '../phi/value-form.ts'
import { ByteWriter } from './byte-writer.ts'
import type { JsonMask } from './json/json-mask.ts'
import { JsonMasker } from './json/json-masker.ts'
import type { CellMasker } from './plan.ts'

/** jsonb_send writes a version number, 1, and then the text of the value. */
const JSONB_VERSION = 1

/** Masks JSON in a cell: json, jsonb, or text that holds JSON. What is none is left to `malformed`. */
export function jsonCellMasker(mask: JsonMask, { kind, binary }: ValueForm, malformed: CellMasker): CellMasker {
  const masker = new JsonMasker(mask)
  const out = new ByteWriter()
  const versioned = kind === 'jsonb' && binary
  return (source, start, end) => {
    out.clear()
    if (versioned) {
      if (start === end || source[start] !== JSONB_VERSION) return malformed(source, start, end)
      out.appendByte(JSONB_VERSION)
    }
    const done = masker.rewrite(source, versioned ? start + 1 : start, end, out)
    if (done === 'invalid') return malformed(source, start, end)
    return done === 'changed' ? out.take() : source.subarray(start, end)
  }
}
