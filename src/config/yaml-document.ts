import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml'
import type { Position } from './config.ts'
import type { Path } from './problem.ts'
import { sourceOffset } from './scalar-offset.ts'

/** Aliases may repeat parts, not multiply them without end. */
const MAX_NODES = 50_000

export interface YamlFault {
  readonly position: Position
  readonly path: Path
  readonly message: string
}

export type Data = string | number | boolean | null | undefined | Data[] | { [key: string]: Data }

interface Place {
  /** Offset of the key, or of the item of a list. */
  readonly key: number
  readonly value: number
  readonly scalar: Scalar | undefined
}

/** One YAML 1.2 document (core schema) as plain data, with the position of every part. */
export class YamlDocument {
  /** Objects have no prototype, so that no key can collide with one. */
  readonly data: Data
  readonly faults: readonly YamlFault[]
  readonly #text: string
  readonly #lines = new LineCounter()
  readonly #places = new Map<string, Place>()
  readonly #faults: YamlFault[] = []
  #nodes = 0

  constructor(text: string) {
    this.#text = text
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, version: '1.2' })
    for (const fault of [...document.errors, ...document.warnings]) {
      this.#faults.push({ position: this.#position(fault.pos[0]), path: [], message: firstLine(fault.message) })
    }
    this.data =
      document.errors.length === 0 && document.contents !== null
        ? this.#read(document, document.contents, [], 0)
        : undefined
    this.faults = this.#faults
  }

  /** Where the key of an entry, or an item of a list, begins; for what is not there, its nearest enclosing part. */
  keyPosition(path: Path): Position {
    return this.#position(this.#nearest(path).key)
  }

  /** Where the value begins. */
  valuePosition(path: Path): Position {
    return this.#position(this.#nearest(path).value)
  }

  /** Where a character of a text value stands in the file, given its index in the value. */
  characterPosition(path: Path, index: number): Position {
    const { value, scalar } = this.#nearest(path)
    return this.#position(scalar === undefined ? value : sourceOffset(this.#text, scalar, value, index))
  }

  #nearest(path: Path): Place {
    for (let length = path.length; length > 0; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)))
      if (place !== undefined) return place
    }
    return { key: 0, value: 0, scalar: undefined }
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    return line === 0 ? { line: 1, column: 1 } : { line, column: col }
  }

  #fault(offset: number, path: Path, message: string): undefined {
    this.#faults.push({ position: this.#position(offset), path, message })
  }

  #read(document: Document, node: unknown, path: Path, keyOffset: number): Data {
    const offset = offsetOf(node) ?? keyOffset
    this.#places.set(JSON.stringify(path), { key: keyOffset, value: offset, scalar: isScalar(node) ? node : undefined })
    if (++this.#nodes > MAX_NODES) {
      return this.#nodes === MAX_NODES + 1 ? this.#fault(offset, path, 'the file has too many parts.') : undefined
    }
    const resolved: unknown = isAlias(node) ? node.resolve(document) : node
    if (resolved === null || resolved === undefined) return null
    if (isScalar(resolved)) {
      return isPlain(resolved.value) ? resolved.value : this.#fault(offset, path, USELESS)
    }
    if (isSeq(resolved)) {
      return resolved.items.map((item, index) => {
        return this.#read(document, item, [...path, index], offsetOf(item) ?? offset)
      })
    }
    return isMap(resolved) ? this.#readMap(document, resolved.items, path, offset) : this.#fault(offset, path, USELESS)
  }

  #readMap(document: Document, pairs: readonly Pair[], path: Path, offset: number): Data {
    const data: Record<string, Data> = Object.create(null)
    for (const { key, value } of pairs) {
      const at = offsetOf(key) ?? offset
      if (!isScalar(key)) this.#fault(at, path, 'a key must be a plain text.')
      else {
        const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
        if (name === '__proto__') this.#fault(at, path, 'unknown key "__proto__".')
        else data[name] = this.#read(document, value, [...path, name], at)
      }
    }
    return data
  }
}

const USELESS = 'this kind of value has no use here.'

const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

/** Not what only tags can make: bytes, dates, sets. */
function isPlain(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number'
}

const firstLine = (message: string): string => message.split('\n', 1)[0] ?? message
