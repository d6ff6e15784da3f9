export type PrincipalKind = 'human' | 'agent' | 'service'

export type ClaimValue = string | number | boolean

/** Somebody in a chain of delegation, in the words that policy and journal use. Made from a verified token only. */
export interface Member {
  /** The configured short name of the issuer that vouches for the subject: what grants name, and unique per issuer. */
  readonly issuer: string
  /** Unique within the issuer; free of control characters. */
  readonly subject: string
  readonly kind: PrincipalKind
  readonly groups: readonly string[]
  /** The further claims that the configuration asked for, by their configured names. */
  readonly claims?: Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>
}

/** Who acts: the holder of the token, which is the current actor of a chain (RFC 8693, section 4.1: the outermost `act`). */
export interface Principal extends Member {
  /** For people to read, never for a decision. */
  readonly name: string | undefined
  /** What the access is for (HL7 PurposeOfUse, where the configuration maps a claim to it); free of control characters. */
  readonly purpose?: string
  /** For whom it acts: from the one who delegated to it back to the one with whom the chain began. Absent: for itself. */
  readonly onBehalfOf?: readonly Member[]
  /** The run (of an agent, of a job) that the token was issued for; budgets are counted by it. */
  readonly run?: string
  /** Keys of the only patients that the run may see; absent: no such bound. A chain can only narrow it. */
  readonly patients?: readonly string[]
  /** The only targets that the token is good for; absent: no such bound. A chain can only narrow it. */
  readonly targets?: readonly string[]
}

/** The whole chain, the current actor first. */
export const chainOf = (principal: Principal): readonly Member[] => [principal, ...(principal.onBehalfOf ?? [])]

/** Names a member everywhere: `issuer/subject`. An issuer's short name has no slash. */
export const memberKey = ({ issuer, subject }: Pick<Member, 'issuer' | 'subject'>): string => `${issuer}/${subject}`

/** Names a chain: what approvals, budgets and activated grants are bound to. */
export const chainKey = (principal: Principal): string => JSON.stringify(chainOf(principal).map(memberKey))
