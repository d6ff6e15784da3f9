import { literalEnd, numberEnd, QUOTE, stringEnd, unescaped, isNumber } from '../../mask/json/tokens.ts'
import type { DocumentNode } from '../../phi/document.ts'
import type { Label } from '../../phi/labels.ts'
import { releasedBy } from '../../phi/released.ts'
import { recognise } from '../../phi/tokens/recognise.ts'
import { holdsToken } from '../../phi/tokens/token-text.ts'
import type { ValueForm } from '../../phi/value-form.ts'
import { composed, type Part, type ReadConstant, UNREADABLE } from './constant-values.ts'
import type { Reading } from './judge-constant.ts'

/** jsonb_recv expects a version number, 1, and then the text of the value. */
const JSONB_VERSION = 1
/** Deeper documents are not read. */
const MAX_DEPTH = 512
const TEXT_FORM: ValueForm = { kind: 'text', binary: false, limit: undefined, elementOid: 0 }
const JSON_FORM: ValueForm = { ...TEXT_FORM, kind: 'json' }
const NUMERIC_FORM: ValueForm = { ...TEXT_FORM, kind: 'numeric' }
const LITERALS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
)

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COLON = 0x3a
const COMMA = 0x2c

/**
 * Reads a JSON document (RFC 8259). Strings and numbers count by the label of the place where they are; where nothing is
 * labelled a token is out of place, and so it is in the name of a member. Whatever cannot be a stand-in counts as a value,
 * so that a comparison with it is refused.
 *
 * @param node undefined when nobody has labelled the column
 * @param label of the whole document
 */
export function readDocument(
  source: Buffer,
  { kind, binary }: ValueForm,
  node: DocumentNode | undefined,
  label: Label | undefined,
): ReadConstant {
  const versioned = binary && kind === 'jsonb'
  if (versioned && source[0] !== JSONB_VERSION) return UNREADABLE
  const reader = new DocumentReader(source, label)
  const end = reader.value(versioned ? 1 : 0, node, 0)
  return end >= 0 && reader.blank(end) === source.length ? composed(source, reader.parts) : UNREADABLE
}

class DocumentReader {
  readonly parts: Part[] = []
  readonly #source: Buffer
  readonly #label: Label | undefined

  constructor(source: Buffer, label: Label | undefined) {
    this.#source = source
    this.#label = label
  }

  /** Behind white space. */
  blank(from: number): number {
    let at = from
    for (;;) {
      const byte = this.#source[at]
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return at
      at += 1
    }
  }

  /** Behind the value that begins there; negative when there is none. */
  value(from: number, node: DocumentNode | undefined, depth: number): number {
    const at = this.blank(from)
    const source = this.#source
    const byte = source[at]
    if (byte === undefined || depth > MAX_DEPTH) return -1
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      this.#add(at, at, VALUE, this.#label)
      return byte === OPEN_OBJECT ? this.#object(at + 1, node, depth + 1) : this.#array(at + 1, node, depth + 1)
    }
    if (byte === QUOTE) {
      const end = stringEnd(source, at, source.length)
      if (end >= 0) this.#string(at, end, node)
      return end
    }
    const literal = LITERALS.get(byte)
    if (literal !== undefined) {
      this.#add(at, at, VALUE, this.#label)
      return literalEnd(source, at, source.length, literal)
    }
    const end = numberEnd(source, at, source.length, true)
    if (end >= 0) this.#number(at, end, node)
    return end
  }

  #object(from: number, node: DocumentNode | undefined, depth: number): number {
    let at = this.blank(from)
    if (this.#source[at] === CLOSE_OBJECT) return at + 1
    for (;;) {
      const nameEnd = this.#source[at] === QUOTE ? stringEnd(this.#source, at, this.#source.length) : -1
      if (nameEnd < 0) return -1
      const name = this.#text(at, nameEnd)
      this.#name(at, nameEnd, name)
      at = this.blank(nameEnd)
      if (this.#source[at] !== COLON) return -1
      const member = node?.kind === 'members' ? (node.members.get(name) ?? node.others) : node
      const end = this.value(at + 1, member, depth)
      if (end < 0) return -1
      at = this.blank(end)
      if (this.#source[at] === CLOSE_OBJECT) return at + 1
      if (this.#source[at] !== COMMA) return -1
      at = this.blank(at + 1)
    }
  }

  #array(from: number, node: DocumentNode | undefined, depth: number): number {
    let at = this.blank(from)
    if (this.#source[at] === CLOSE_ARRAY) return at + 1
    for (;;) {
      const end = this.value(at, node, depth)
      if (end < 0) return -1
      at = this.blank(end)
      if (this.#source[at] === CLOSE_ARRAY) return at + 1
      if (this.#source[at] !== COMMA) return -1
      at += 1
    }
  }

  #string(start: number, end: number, node: DocumentNode | undefined): void {
    const text = this.#text(start, end)
    const label = this.#labelAt(node)
    const reading = label === undefined ? outOfPlace(text) : readingAt(text, TEXT_FORM, label)
    this.#add(start, end, reading, label ?? this.#label, (value) => Buffer.from(JSON.stringify(value)))
  }

  #number(start: number, end: number, node: DocumentNode | undefined): void {
    const label = this.#labelAt(node)
    const text = this.#source.toString('latin1', start, end)
    const reading = label === undefined ? VALUE : readingAt(text, NUMERIC_FORM, label)
    this.#add(start, end, reading, label ?? this.#label, (value) => {
      const written = Buffer.from(value)
      return isNumber(written) ? written : undefined
    })
  }

  /** What hides names leaves some that nobody would give. */
  #name(start: number, end: number, name: string): void {
    const isHidden = recognise(JSON.stringify(name), JSON_FORM, undefined).kind === 'placeholder'
    if (isHidden || holdsToken(name)) this.#add(start, end, EMBEDDING, this.#label)
  }

  /** A string where members were expected belongs to the whole. */
  #labelAt(node: DocumentNode | undefined): Label | undefined {
    if (node === undefined || node.kind === 'clear') return undefined
    return node.kind === 'phi' ? node.label : this.#label
  }

  #text(start: number, end: number): string {
    return unescaped(this.#source, start + 1, end - 1).toString('utf8')
  }

  #add(
    start: number,
    end: number,
    reading: Reading,
    label: Label | undefined,
    write: (text: string) => Buffer | undefined = () => undefined,
  ): void {
    const read: ReadConstant = {
      values: [{ reading, label, fits: (value) => write(value) !== undefined }],
      write: ([replacement]) => (replacement === undefined ? undefined : write(replacement)),
    }
    this.parts.push({ start, end, read, encode: (written) => written })
  }
}

const VALUE: Reading = { kind: 'value' }
const EMBEDDING: Reading = { kind: 'embedding' }

/** A stand-in does not go where the label shows more of a value than that it is the same: the answer would show it. */
function readingAt(text: string, form: ValueForm, label: Label): Reading {
  const recognised = recognise(text, form, label)
  if (recognised.kind === 'value') return holdsToken(text) ? EMBEDDING : recognised
  const isResolved = recognised.kind === 'token' || recognised.kind === 'pseudonym'
  return isResolved && showsParts(label, form) ? EMBEDDING : recognised
}

function showsParts(label: Label, { kind }: ValueForm): boolean {
  // The year decides which years are shown, not whether.
  const released = releasedBy(label, kind, 0).kind
  return released !== 'nothing' && released !== 'equality'
}

function outOfPlace(text: string): Reading {
  return holdsToken(text) ? EMBEDDING : VALUE
}
