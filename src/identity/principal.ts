export type PrincipalKind = 'human' | 'agent' | 'service'

export type ClaimValue = string | number | boolean

/** Who acts, in the words that policy and journal use. Made from a verified token only. */
export interface Principal {
  /** The configured short name of the issuer that vouches for the subject: what grants name, and unique per issuer. */
  readonly issuer: string
  /** Unique within the issuer; free of control characters. */
  readonly subject: string
  readonly kind: PrincipalKind
  readonly groups: readonly string[]
  /** For people to read, never for a decision. */
  readonly name: string | undefined
  /** What the access is for, where the configuration names a claim for that and the token has it; free of control characters. */
  readonly purpose?: string
  /** The further claims that the configuration asked for, by their configured names. */
  readonly claims?: Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>
}
