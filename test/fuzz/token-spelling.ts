import { recogniseNumberToken, recogniseToken } from '../../src/phi/tokens/token-text.ts'
import type { Received } from '../support/wire-client.ts'

/** What stands for a token; undefined leaves it. */
type Naming = (token: string) => string | undefined

/** Candidates in text; upper case is somebody's spelling and no token, but tells the sides apart all the same. */
const IN_TEXT =
  /tok_[0-9a-z]{18}|tok-[0-9a-z]{18}@token\.invalid|~[0-9a-z]{10}|\+999[0-9]{18}|746f6b[0-9a-f]{2}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9])-(?:[4-9][0-9]{15}|[12][0-9]{9})(?![0-9])/giu
/** Binary UUIDs, and numbers with their length in front: elements of arrays, fields of rows and of binary COPY. */
const IN_BINARY =
  // oxlint-disable-next-line eslint/no-control-regex -- bytes
  /tok[^]{3}[\x80-\x8f][^][\x80-\xbf][^]{7}|\0{3}\x04(?<four>[\x80-\xc0][^]{3})|\0{3}\x08(?<eight>\xff[\xe0-\xef][^]{6})/gu
/** The header of a numeric that is as large as tokens are, with the number of its groups of four digits. */
// oxlint-disable-next-line eslint/no-control-regex -- bytes
const NUMERIC = /\0(?<count>[\x01-\x04])\0\x03\x40\0{3}/gu
const BYTES_OF_DIGITS = 2

/** An answer with other names for its tokens, wherever they stand in it. */
export function renamed(told: readonly Received[], name: Naming): readonly Received[] {
  const cell = (value: Buffer): Buffer => Buffer.from(inCell(value.toString('latin1'), name), 'latin1')
  return told.map((message) => {
    if (message.kind === 'DataRow')
      return { ...message, values: message.values.map((value) => (value === null ? null : cell(value))) }
    if (message.kind === 'CopyData') return { ...message, data: cell(message.data) }
    if (message.kind === 'ErrorResponse' || message.kind === 'NoticeResponse')
      return { ...message, fields: new Map([...message.fields].map(([key, text]) => [key, inText(text, name)])) }
    return message
  })
}

/** The tokens of an answer, in order. */
export function tokensIn(told: readonly Received[]): readonly string[] {
  const found: string[] = []
  renamed(told, (token) => {
    found.push(token)
    return undefined
  })
  return found
}

function inCell(cell: string, name: Naming): string {
  return number(cell, name) ?? inText(inBinary(cell, name), name)
}

function inText(text: string, name: Naming): string {
  return text.replaceAll(IN_TEXT, (candidate) => {
    const lower = candidate.toLowerCase()
    const found = recogniseToken(lower) ?? recogniseNumberToken(lower)
    const other = found === null || found === 'malformed' ? undefined : name(found.token)
    return other === undefined ? candidate : other + (lower === candidate ? '' : '^')
  })
}

/** A cell that is nothing but a number in binary format. */
function number(cell: string, name: Naming): string | undefined {
  if (cell.length !== 4 && cell.length !== 8) return undefined
  return named(integer(cell), name)
}

function inBinary(cell: string, name: Naming): string {
  let text = cell.replaceAll(IN_BINARY, (all, ...rest: readonly unknown[]) => {
    const groups: Readonly<Record<string, string | undefined>> = Object(rest.at(-1))
    const bytes = groups['four'] ?? groups['eight']
    if (bytes !== undefined) return named(integer(bytes), name) ?? all
    const found = recogniseToken(uuid(all))
    return found === null || found === 'malformed' ? all : (name(found.token) ?? all)
  })
  for (const match of [...text.matchAll(NUMERIC)].toReversed()) {
    const end = match.index + match[0].length + BYTES_OF_DIGITS * (match.groups?.['count'] ?? '').charCodeAt(0)
    const digits = Buffer.from(text.slice(match.index + match[0].length, end), 'latin1')
    let value = ''
    for (let at = 0; at + 1 < digits.length; at += BYTES_OF_DIGITS)
      value += String(digits.readUInt16BE(at)).padStart(4, '0')
    const other = named(`-${value.padEnd(16, '0').replace(/^0+/, '')}`, name)
    if (other !== undefined) text = text.slice(0, match.index) + other + text.slice(end)
  }
  return text
}

function named(digits: string, name: Naming): string | undefined {
  const found = recogniseNumberToken(digits)
  return found === null || found === 'malformed' ? undefined : name(found.token)
}

function integer(bytes: string): string {
  const buffer = Buffer.from(bytes, 'latin1')
  return buffer.length === 4 ? String(buffer.readInt32BE()) : String(buffer.readBigInt64BE())
}

function uuid(bytes: string): string {
  const hex = Buffer.from(bytes, 'latin1').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
