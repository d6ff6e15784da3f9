/**
 * What can replace a value and needs to know nothing else. `docs/transforms.md` says what each one does to each type. All
 * but `partial` follow Safe Harbor, 45 CFR 164.514(b)(2); `partial` keeps the last four characters, which Safe Harbor does
 * not allow.
 */
export const TRANSFORMS = ['redact', 'null', 'year', 'zip3', 'age90', 'partial'] as const

/**
 * The names that a configuration can give besides those it defines itself. `keep` lets a class pass, `pseudonym` needs a
 * key; neither is Safe Harbor.
 */
export const TRANSFORM_NAMES = [...TRANSFORMS, 'keep', 'pseudonym'] as const

export type TransformName = (typeof TRANSFORM_NAMES)[number]

export const TRUNCATIONS = ['month', 'quarter', 'decade'] as const

export type Truncation = (typeof TRUNCATIONS)[number]

/** A transform that the configuration defines (`phi.transforms`). None of them is Safe Harbor. */
export type CustomTransform =
  | { readonly kind: 'constant'; readonly text: string }
  /** Characters kept at both ends of a text, and what stands between them. */
  | { readonly kind: 'keep-ends'; readonly first: number; readonly last: number; readonly fill: string }
  | { readonly kind: 'truncate'; readonly to: Truncation }
  /** To the nearest multiple, a positive whole number. */
  | { readonly kind: 'round'; readonly to: number }

/** What replaces a value. Objects are the same transform only if they are the same object. */
export type Transform = (typeof TRANSFORMS)[number] | CustomTransform | PseudonymTransform

export interface PseudonymTransform {
  readonly kind: 'pseudonym'
  readonly pseudonyms: Pseudonyms
}

/** Keyed replacements for one class of one target: the same for the same value, and different for different ones. */
export interface Pseudonyms {
  /** A keyed digest of 32 bytes over the bytes from `start` to `end`. */
  digest(source: Buffer, start: number, end: number): Buffer
  /**
   * A whole number from 0 to 2^bits - 1 as another one of that range, without collisions. In halves because numbers are
   * exact to 53 bits only: the upper `bits >> 1` bits and the rest.
   */
  permute(bits: PermutedBits, high: number, low: number): readonly [high: number, low: number]
}

/** The non-negative halves of smallint, integer and bigint. */
export type PermutedBits = 15 | 31 | 63
