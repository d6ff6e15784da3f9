import type { Label } from '../../phi/labels.ts'
import type { Reading } from './judge-constant.ts'

/** One value in a constant. */
export interface ConstantValue {
  readonly reading: Reading
  /** Of what is there; undefined when nobody has labelled it. */
  readonly label: Label | undefined
  /** Whether its type holds this value: otherwise the statement would fail, and that would tell. */
  readonly fits: (value: string) => boolean
}

/** A constant as the values in it: one, the elements of an array, the strings and numbers of a document. */
export interface ReadConstant {
  readonly values: readonly ConstantValue[]
  /** The constant with these, which fit, in place of its values, by index; undefined ones stay. Undefined when it cannot be written. */
  write(replacements: readonly (string | undefined)[]): Buffer | undefined
}

/** A constant of which nobody can tell what it holds. */
export const UNREADABLE: ReadConstant = {
  values: [{ reading: { kind: 'unreadable' }, label: undefined, fits: () => false }],
  write: () => undefined,
}

/** A part of a constant. */
export interface Part {
  /** Where it stands, in bytes, with all that has to be written anew with it. */
  readonly start: number
  readonly end: number
  readonly read: ReadConstant
  /** What stands there for a new value. */
  readonly encode: (value: Buffer) => Buffer
}

/** A constant made of parts, in order. What is not replaced keeps its bytes. */
export function composed(source: Buffer, parts: readonly Part[]): ReadConstant {
  return {
    values: parts.flatMap(({ read }) => read.values),
    write: (replacements) => {
      const pieces: Buffer[] = []
      let copied = 0
      let first = 0
      for (const { start, end, read, encode } of parts) {
        const own = replacements.slice(first, first + read.values.length)
        first += read.values.length
        if (own.every((replacement) => replacement === undefined)) continue
        const written = read.write(own)
        if (written === undefined) return undefined
        pieces.push(source.subarray(copied, start), encode(written))
        copied = end
      }
      return Buffer.concat([...pieces, source.subarray(copied)])
    },
  }
}
