import { CopyFormatError } from '../../mask/copy/copy-format-error.ts'
import type { RowFormat } from './row-format.ts'

/** PostgreSQL documentation, COPY, "Binary Format". */
const SIGNATURE = Buffer.from('PGCOPY\n\u00ff\r\n\0', 'latin1')
/** Signature, flags, length of the extension. */
const HEADER = SIGNATURE.length + 8
const COUNT = 2
const LENGTH = 4
const NULL_LENGTH = -1
const TRAILER = -1
const INCOMPLETE = -1

/** Rows in binary format; the header counts as a row without cells. */
export function binaryFormat(columns: number): RowFormat {
  let isHeader = true
  return {
    rowEnd: (data, start) => {
      if (isHeader) {
        const end = headerEnd(data, start)
        if (end !== INCOMPLETE) isHeader = false
        return end
      }
      return tupleEnd(data, start, columns)
    },
    isEnd: (row) => row.length === COUNT && row.readInt16BE(0) === TRAILER,
    read: (row, see) => {
      for (const { column, start, end } of cellsOf(row)) see(column, row.subarray(start, end))
    },
    write: (row, values) => {
      const pieces: Buffer[] = []
      let copied = 0
      for (const { column, start, end } of cellsOf(row)) {
        const value = values.get(column)
        if (value === undefined) continue
        const length = Buffer.alloc(LENGTH)
        length.writeInt32BE(value.length)
        pieces.push(row.subarray(copied, start - LENGTH), length, value)
        copied = end
      }
      return Buffer.concat([...pieces, row.subarray(copied)])
    },
  }
}

function headerEnd(data: Buffer, start: number): number {
  if (data.length - start < HEADER) return INCOMPLETE
  const flags = data.readUInt32BE(start + SIGNATURE.length)
  if (!data.subarray(start, start + SIGNATURE.length).equals(SIGNATURE) || flags !== 0) {
    throw new CopyFormatError('this is not the binary format that is known')
  }
  const end = start + HEADER + data.readUInt32BE(start + HEADER - LENGTH)
  return end <= data.length ? end : INCOMPLETE
}

function tupleEnd(data: Buffer, start: number, columns: number): number {
  if (data.length - start < COUNT) return INCOMPLETE
  const count = data.readInt16BE(start)
  if (count === TRAILER) return start + COUNT
  if (count !== columns) throw new CopyFormatError('a row has another number of fields')
  let at = start + COUNT
  for (let i = 0; i < count; i += 1) {
    if (data.length - at < LENGTH) return INCOMPLETE
    const length = data.readInt32BE(at)
    if (length < NULL_LENGTH) throw new CopyFormatError('a field has no length')
    at += LENGTH + Math.max(length, 0)
  }
  return at <= data.length ? at : INCOMPLETE
}

interface Cell {
  readonly column: number
  readonly start: number
  readonly end: number
}

/** Of a complete row, without those that are NULL. The header is longer than its signature says a row can begin. */
function cellsOf(row: Buffer): readonly Cell[] {
  if (row.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return []
  const cells: Cell[] = []
  let at = COUNT
  for (let column = 0; at < row.length; column += 1) {
    const length = row.readInt32BE(at)
    at += LENGTH
    if (length === NULL_LENGTH) continue
    cells.push({ column, start: at, end: at + length })
    at += length
  }
  return cells
}
