/** What a text, number or uuid that a client has sent is, as far as its spelling says. */
export type Recognised =
  /** Well-formed, check characters included; whether it was ever issued, the vault knows. `token` is its canonical spelling. */
  | { readonly kind: 'token'; readonly token: string }
  /** Spelled like a token, but none: a slip or a forgery. */
  | { readonly kind: 'malformed' }
  /** A keyed pseudonym, decoded: what it stands for, in canonical spelling. */
  | { readonly kind: 'pseudonym'; readonly value: string }
  /** Like what a transform leaves: [redacted], a first of January where years are shown, three digits of a ZIP code. */
  | { readonly kind: 'placeholder' }
  /** Anything else: taken for a value. */
  | { readonly kind: 'value' }
