/**
 * What can replace a value. `docs/transforms.md` says what each one does to each type. All but `partial` follow Safe
 * Harbor, 45 CFR 164.514(b)(2); `partial` keeps the last four characters, which Safe Harbor does not allow.
 */
export const TRANSFORMS = ['redact', 'null', 'year', 'zip3', 'age90', 'partial'] as const

export type Transform = (typeof TRANSFORMS)[number]
