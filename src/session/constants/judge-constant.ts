import { assertNever } from '../../lib/assert-never.ts'
import type { ConstantSite } from '../../inspect/sql/facts.ts'
import type { Recognised } from '../../phi/tokens/stand-in-reader.ts'
import type { StandInPolicy } from '../../decide/stand-in-policy.ts'

/** What a constant, or one value in it, is as far as its spelling says. */
export type Reading =
  | Recognised
  /** A text with a token somewhere in it. */
  | { readonly kind: 'embedding' }
  /** The empty text: whether something is that may be asked, as whether it is NULL may. */
  | { readonly kind: 'empty' }
  /** Nobody can tell: bytes of an unknown type, a document that is none. */
  | { readonly kind: 'unreadable' }

/** What becomes of a value. */
export type Judgement =
  /** Stays as it is. */
  | { readonly kind: 'leave'; readonly alert?: 'token-malformed' }
  /** Stands for what the vault says. */
  | { readonly kind: 'resolve'; readonly token: string }
  | { readonly kind: 'replace'; readonly value: string }
  | { readonly kind: 'refuse'; readonly why: Refused }

/**
 * compared, held: a value is compared that is no stand-in. written-back: a masked value would be stored. unknown: a token
 * would be stored that stands for nothing. unreadable: it cannot be told what would be stored.
 */
export type Refused = 'compared' | 'held' | 'written-back' | 'unknown' | 'unreadable'

const LEAVE: Judgement = { kind: 'leave' }

/** What becomes of a value at a site. */
export function judgeConstant(use: ConstantSite['use'], reading: Reading, policy: StandInPolicy): Judgement {
  if (policy === 'cleared') return LEAVE
  switch (use) {
    case 'comparison':
      return compared(reading, policy)
    case 'assignment':
      return assigned(reading)
    case 'embedded':
      return embedded(reading)
    default:
      return assertNever(use)
  }
}

/** What is no stand-in confirms a guess. A token that is none equals nothing, and is left, so that it looks like one without rows. */
function compared(reading: Reading, policy: Exclude<StandInPolicy, 'cleared'>): Judgement {
  switch (reading.kind) {
    case 'token':
      return { kind: 'resolve', token: reading.token }
    case 'pseudonym':
      return { kind: 'replace', value: reading.value }
    case 'malformed':
      return { kind: 'leave', alert: 'token-malformed' }
    case 'empty':
      return LEAVE
    case 'placeholder':
    case 'embedding':
    case 'value':
    case 'unreadable':
      if (policy === 'any') return LEAVE
      return { kind: 'refuse', why: policy === 'hold' ? 'held' : 'compared' }
    default:
      return assertNever(reading)
  }
}

function assigned(reading: Reading): Judgement {
  switch (reading.kind) {
    case 'token':
      return { kind: 'resolve', token: reading.token }
    case 'pseudonym':
      return { kind: 'replace', value: reading.value }
    case 'malformed':
      return { kind: 'refuse', why: 'unknown' }
    case 'placeholder':
    case 'embedding':
      return { kind: 'refuse', why: 'written-back' }
    case 'unreadable':
      return { kind: 'refuse', why: 'unreadable' }
    case 'value':
    case 'empty':
      return LEAVE
    default:
      return assertNever(reading)
  }
}

/** A part of what is stored cannot be resolved, because it is not known what becomes of it. */
function embedded(reading: Reading): Judgement {
  switch (reading.kind) {
    case 'token':
    case 'malformed':
    case 'pseudonym':
    case 'placeholder':
    case 'embedding':
      return { kind: 'refuse', why: 'written-back' }
    case 'unreadable':
      return { kind: 'refuse', why: 'unreadable' }
    case 'value':
    case 'empty':
      return LEAVE
    default:
      return assertNever(reading)
  }
}
