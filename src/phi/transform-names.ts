import type { TextDetectors } from './detect/text-detectors.ts'
import type { SealedTexts } from './sealed-text.ts'

/**
 * What can replace a value and needs no key or setting of its own. `docs/transforms.md` says what each one does to each type.
 * All but `partial` follow Safe Harbor, 45 CFR 164.514(b)(2) and, for `token`, (c); `partial` keeps the last four
 * characters, which Safe Harbor does not allow.
 */
export const TRANSFORMS = ['redact', 'null', 'year', 'zip3', 'age90', 'partial', 'token'] as const

/**
 * The names that a configuration can give besides those it defines itself. `keep` lets a class pass, `pseudonym` needs a
 * key, `detect` detectors, which miss things; none of them is Safe Harbor.
 */
export const TRANSFORM_NAMES = [...TRANSFORMS, 'keep', 'pseudonym', 'detect'] as const

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
export type Transform = (typeof TRANSFORMS)[number] | CustomTransform | PseudonymTransform | DetectTransform

export interface PseudonymTransform {
  readonly kind: 'pseudonym'
  readonly pseudonyms: Pseudonyms
}

/** Replaces what detectors find in a text; the rest of it stays. */
export interface DetectTransform {
  readonly kind: 'detect'
  readonly detectors: TextDetectors
}

/** Keyed replacements for one class of one target: the same for the same value, and different for different ones. */
export interface Pseudonyms extends SealedTexts {
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
