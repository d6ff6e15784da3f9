import type { ScanToken } from 'libpg-query'
import type { ConstantPlace } from './facts.ts'
import { skeletonOf } from './skeleton.ts'

/** A literal that can be replaced by another in its place: no escapes, prefixes or dollar quotes, one token only. */
const PLAIN = /^(?:'(?:[^'\\]|'')*'|\d+(?:\.\d+)?)$/

export interface LiteralPlace {
  readonly place: ConstantPlace
  /** Whether another literal can be put there. */
  readonly isPlain: boolean
}

/** Where the constants of a statement string stand, by the locations that the parser reports. */
export class ConstantPlaces {
  /** Whether Bind gives its parameters: not those of PREPARE, nor of one of several statements. */
  readonly bindsParameters: boolean
  readonly #sql: string
  readonly #tokens: readonly ScanToken[]
  #places: ReadonlyMap<number, LiteralPlace> | null = null

  constructor(sql: string, tokens: readonly ScanToken[], bindsParameters: boolean) {
    this.#sql = sql
    this.#tokens = tokens
    this.bindsParameters = bindsParameters
  }

  /** The place of the literal at that byte; null for one that is none of these. */
  literal(location: number): LiteralPlace | null {
    this.#places ??= placesOf(this.#sql, this.#tokens)
    return this.#places.get(location) ?? null
  }

  /** The same places in a statement whose parameters are its own: PREPARE. */
  withoutParameters(): ConstantPlaces {
    return this.bindsParameters ? new ConstantPlaces(this.#sql, this.#tokens, false) : this
  }
}

function placesOf(sql: string, tokens: readonly ScanToken[]): ReadonlyMap<number, LiteralPlace> {
  const spans = skeletonOf(sql)?.spans
  const ordinals = new Map(spans?.flatMap((start, i) => (i % 2 === 0 ? [[start, i / 2] as const] : [])))
  const bytes = Buffer.from(sql, 'utf8')
  const places = new Map<number, LiteralPlace>()
  const add = (location: number, start: number, end: number, isPlain: boolean, negative: boolean): void => {
    const ordinal = ordinals.get(start)
    if (spans === undefined) places.set(location, { place: { kind: 'span', start, end, negative }, isPlain })
    else if (ordinal !== undefined) places.set(location, { place: { kind: 'literal', ordinal, negative }, isPlain })
  }
  let index = 0
  let byte = 0
  let before: ScanToken | undefined
  for (const token of tokens) {
    index += bytes.toString('utf8', byte, token.start).length
    byte = token.start
    const sign = before
    before = token
    if (!LITERAL_TOKENS.has(token.tokenType)) continue
    const text = bytes.toString('utf8', token.start, token.end)
    const end = index + text.length
    const isPlain = PLAIN.test(text)
    // A minus between two operands is none of the number; else the parser folds it and reports its place.
    add(token.start, index, end, isPlain, false)
    if (sign !== undefined && isMinus(sign, bytes)) add(sign.start, index, end, isPlain, true)
  }
  return places
}

/** SCONST, USCONST, FCONST and ICONST (libpg_query protobuf Token). */
const LITERAL_TOKENS: ReadonlySet<number> = new Set([260, 261, 262, 266])

function isMinus({ start, end }: ScanToken, bytes: Buffer): boolean {
  return end - start === 1 && bytes[start] === 0x2d
}
