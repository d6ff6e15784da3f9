import type { CopyFormat, PatientUse } from '../../inspect/sql/facts.ts'
import type { ResultColumn } from '../../mask/plan.ts'
import { keyFromBinary, keyFromText } from './patient-key.ts'

/** The key of a row's patient; undefined when the row names none. */
export type RowPatient = (buffer: Buffer, start: number, end: number) => string | undefined

/** Reads it from the body of a DataRow. Undefined when the rows name none that could be read. */
export function patientInRow(
  { output, outputForm }: PatientUse,
  columns: readonly ResultColumn[] | number,
): RowPatient | undefined {
  if (output === undefined || typeof columns === 'number') return undefined
  const column = columns[output]
  if (column === undefined) return undefined
  return (buffer, start, end) => {
    const cell = cellIn(buffer, start, end, output)
    if (cell === undefined) return undefined
    if (outputForm === undefined) return cell.toString('latin1')
    return column.format === 1 ? keyFromBinary(cell, outputForm) : keyFromText(cell.toString('utf8'), outputForm)
  }
}

/** The same of a row of COPY … TO STDOUT, as CopyData has it. */
export function patientInCopy({ output, outputForm }: PatientUse, format: CopyFormat): RowPatient | undefined {
  if (output === undefined) return undefined
  if (format.format === 'binary') {
    return (buffer, start, end) => {
      const cell = cellIn(buffer, start, end, output)
      return cell === undefined
        ? undefined
        : outputForm === undefined
          ? cell.toString('latin1')
          : keyFromBinary(cell, outputForm)
    }
  }
  if (format.delimiter.length !== 1 || format.delimiter === '\\') return undefined
  const fieldOf = format.format === 'csv' ? csvField : textField
  return (buffer, start, end) => {
    const cell = fieldOf(buffer.toString('utf8', start, end).replace(/\r?\n$/u, ''), output, format)
    if (cell === undefined) return undefined
    return outputForm === undefined ? cell : keyFromText(cell, outputForm)
  }
}

/** What is escaped is none of a key's characters. */
function textField(line: string, index: number, format: CopyFormat): string | undefined {
  const cell = line.split(format.delimiter)[index]
  return cell === undefined || cell === format.null || cell.includes('\\') ? undefined : cell
}

/** A field of CSV (PostgreSQL documentation, COPY); undefined for NULL, and for one with quotes in it. */
function csvField(line: string, index: number, format: CopyFormat): string | undefined {
  const { delimiter, quote, escape } = format
  let at = 0
  for (let i = 0; at <= line.length; i += 1) {
    const isQuoted = line.startsWith(quote, at)
    let end = at
    if (isQuoted) {
      end += quote.length
      while (end < line.length && !line.startsWith(quote, end)) end += 1
      // A quote that is doubled or escaped; what follows is not read.
      const isOdd = line.slice(at + 1, end).includes(escape) || line.startsWith(quote, end + 1)
      if (isOdd) return undefined
      end += quote.length
    }
    const next = line.indexOf(delimiter, end)
    end = next < 0 ? line.length : next
    if (i === index) {
      if (isQuoted) return line.slice(at + quote.length, end - quote.length)
      const cell = line.slice(at, end)
      return cell === format.null ? undefined : cell
    }
    if (next < 0) return undefined
    at = next + delimiter.length
  }
  return undefined
}

const NULL_LENGTH = -1

/** A cell by index (PostgreSQL documentation, 55.7, DataRow); undefined for NULL, and where there is none. */
function cellIn(buffer: Buffer, start: number, end: number, index: number): Buffer | undefined {
  if (end - start < 2 || buffer.readInt16BE(start) <= index) return undefined
  let at = start + 2
  for (let i = 0; ; i += 1) {
    if (at + 4 > end) return undefined
    const length = buffer.readInt32BE(at)
    at += 4
    if (i === index) return length === NULL_LENGTH || at + length > end ? undefined : buffer.subarray(at, at + length)
    if (length > 0) at += length
  }
}
