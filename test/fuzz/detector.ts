import { createHash } from 'node:crypto'
import type { Received } from '../support/wire-client.ts'
import { PATIENTS, type Side, TwinValues, VISITS } from './twins.ts'

/** As many characters of a value in a row are a leak. */
const PIECE = 6
/** As many digits: three different ones make fewer pieces than letters do, and noise has them too. */
const DIGITS = 8
const ENCODED = /[A-Za-z0-9+/]{12,}={0,2}/g
const HEX = /(?:[0-9a-f]{2}){6,}/g

/**
 * Finds the values of one side in what a client was told: as they are, in pieces, reversed, in hexadecimal or base64, character
 * by character, as character codes, hashed, as dates in any order, and in binary format. It undoes the encodings of the answer
 * instead of encoding every value, so that an answer is read once.
 */
export class Detector {
  /** Pieces with a letter in them, to the name of the value that they are of. */
  readonly #pieces = new Map<string, string>()
  readonly #numbers = new Map<string, string>()
  readonly #hashes = new Map<string, string>()
  readonly #texts = new Map<string, string>()
  readonly #binaries = new Map<string, string>()

  constructor(side: Side) {
    const values = new TwinValues(side)
    for (let index = 0; index < PATIENTS; index++) {
      const { born, seen, weight, age: _age, zip, photo, token, tags, member, ...texts } = values.patient(index)
      const of = (column: string): string => `patient.${column}[${index}]`
      for (const [column, text] of Object.entries(texts)) this.#text(of(column), text)
      for (const tag of tags) this.#text(of('tags'), tag)
      this.#text(of('photo'), Buffer.from(photo, 'hex').toString())
      this.#text(of('token'), token)
      this.#binaries.set(token.replaceAll('-', ''), of('token'))
      this.#text(of('weight'), weight)
      this.#text(of('member'), member)
      this.#binaries.set(`00000004${Number(texts.record).toString(16).padStart(8, '0')}`, of('record'))
      this.#binaries.set(BigInt(texts.folio).toString(16).padStart(16, '0'), of('folio'))
      this.#binaries.set(BigInt(member).toString(16).padStart(16, '0'), of('member'))
      this.#texts.set(zip, of('zip'))
      this.#date(of('born'), born)
      this.#date(of('seen'), seen)
    }
    for (let index = 0; index < VISITS; index++) {
      const { day, at, reason, referrer, cost } = values.visit(index)
      const of = (column: string): string => `visit.${column}[${index}]`
      for (const [column, text] of Object.entries({ reason, referrer, cost })) this.#text(of(column), text)
      this.#date(of('day'), day)
      this.#date(of('at'), at)
    }
  }

  /** The values that can be read out of an answer, by table, column and number. */
  found(told: readonly Received[]): readonly string[] {
    const found = new Set<string>()
    const cells = told.flatMap(cellsOf)
    const text = cells.map((cell) => cell.toString('latin1')).join('\n')
    for (const plain of [text, Array.from(text).toReversed().join(''), columnsOf(told)]) {
      this.#inPieces(plain, found)
      this.#inText(plain, found)
    }
    for (const numbers of [text, columnsOf(told, '\n')]) this.#inPieces(codes(numbers), found)
    for (const [run] of text.toLowerCase().matchAll(HEX))
      this.#inPieces(Buffer.from(run, 'hex').toString('latin1'), found)
    for (const [run] of text.replaceAll('\n', '').matchAll(ENCODED)) {
      for (const shift of [0, 1, 2, 3])
        this.#inPieces(Buffer.from(run.slice(shift), 'base64').toString('latin1'), found)
    }
    for (const cell of cells) this.#inBinary(cell, found)
    return [...found].toSorted()
  }

  #text(name: string, text: string): void {
    const plain = squeezed(text)
    for (const piece of windows(plain, PIECE)) if (/[a-z]/.test(piece)) this.#pieces.set(piece, name)
    if (/^\d+$/.test(plain))
      for (const piece of windows(plain, Math.min(DIGITS, plain.length))) this.#numbers.set(piece, name)
    for (const form of [text, text.toLowerCase(), text.toUpperCase()])
      for (const kind of ['md5', 'sha256', 'sha1'])
        this.#hashes.set(createHash(kind).update(form).digest('hex').slice(0, 24), name)
  }

  /** The year may be told, the rest not. */
  #date(name: string, text: string): void {
    const date = text.slice(0, 10)
    const [year = '', month = '', day = ''] = date.split('-')
    for (const form of [date, `${year}${month}${day}`, `${month}/${day}/${year}`, `${day}.${month}.${year}`])
      this.#texts.set(form, name)
    const days = Math.round((Date.parse(date) - Date.UTC(2000, 0, 1)) / 86_400_000)
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(4)
    bytes.writeInt32BE(days, 4)
    this.#binaries.set(bytes.toString('hex'), name)
    if (text.length === 10) return
    const instant = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`)
    bytes.writeBigInt64BE(BigInt(instant - Date.UTC(2000, 0, 1)) * 1000n)
    this.#binaries.set(bytes.toString('hex'), name)
  }

  #inPieces(text: string, found: Set<string>): void {
    for (const piece of windows(squeezed(text), PIECE)) {
      const name = this.#pieces.get(piece)
      if (name !== undefined) found.add(name)
    }
  }

  #inText(text: string, found: Set<string>): void {
    for (const run of squeezed(text).match(/[789]{7,}/g) ?? []) {
      for (const length of [DIGITS - 1, DIGITS]) {
        for (const piece of windows(run, length)) {
          const name = this.#numbers.get(piece)
          if (name !== undefined) found.add(name)
        }
      }
    }
    for (const run of text.toLowerCase().match(/[0-9a-f]{24,}/g) ?? []) {
      const name = this.#hashes.get(run.slice(0, 24))
      if (name !== undefined) found.add(name)
    }
    for (const [form, name] of this.#texts) if (text.includes(form)) found.add(name)
  }

  /** With the length in front, so that short ones are no chance. */
  #inBinary(cell: Buffer, found: Set<string>): void {
    const length = Buffer.alloc(4)
    length.writeInt32BE(cell.length)
    const text = Buffer.concat([length, cell]).toString('hex')
    for (const [form, name] of this.#binaries) if (text.includes(form)) found.add(name)
  }
}

const windows = (text: string, length: number): string[] =>
  Array.from({ length: Math.max(0, text.length - length + 1) }, (_none, start) => text.slice(start, start + length))

/** Letters and digits only: what stands between them is the format's. */
const squeezed = (text: string): string =>
  text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_all, code: string) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replaceAll(/\\[nt]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '')

function cellsOf(message: Received): readonly Buffer[] {
  if (message.kind === 'DataRow') return message.values.filter((value) => value !== null)
  if (message.kind === 'CopyData') return [message.data]
  if (message.kind === 'RowDescription') return message.columns.map(({ name }) => Buffer.from(name))
  if (message.kind === 'ErrorResponse' || message.kind === 'NoticeResponse')
    return [...message.fields.values()].map((field) => Buffer.from(field))
  return [Buffer.from(JSON.stringify(message))]
}

/** The cells of each column, one after the other: characters that come row by row. */
function columnsOf(told: readonly Received[], between = ''): string {
  const columns: Buffer[][] = []
  for (const message of told) {
    if (message.kind !== 'DataRow') continue
    for (const [index, value] of message.values.entries()) if (value !== null) (columns[index] ??= []).push(value)
  }
  return columns.map((cells) => cells.map((cell) => cell.toString('latin1')).join(between)).join('\n')
}

/** Numbers that are character codes, as the characters. */
const codes = (text: string): string =>
  (text.match(/\d+/g) ?? [])
    .map((digits) => (digits.length <= 3 ? String.fromCodePoint(Number(digits)) : '\n'))
    .join('')
