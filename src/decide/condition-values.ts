/**
 * The objects that conditions see, as classes: the evaluator knows values by their constructors, and takes objects of these as they are.
 * Their fields are declared in `condition.ts`.
 */

import { localTime } from './schedule.ts'

export class MemberValue {
  readonly issuer: string
  readonly subject: string
  readonly kind: string
  readonly groups: readonly string[]

  constructor(value: MemberValue) {
    this.issuer = value.issuer
    this.subject = value.subject
    this.kind = value.kind
    this.groups = value.groups
  }
}

export class RelationValue {
  readonly schema: string
  readonly name: string
  readonly action: string
  readonly phi: boolean
  readonly touchesPhi: boolean
  readonly columns: readonly string[]

  constructor(value: RelationValue) {
    this.schema = value.schema
    this.name = value.name
    this.action = value.action
    this.phi = value.phi
    this.touchesPhi = value.touchesPhi
    this.columns = value.columns
  }
}

export class HazardValue {
  readonly kind: string
  readonly subject: string

  constructor(value: HazardValue) {
    this.kind = value.kind
    this.subject = value.subject
  }
}

export class PhiQuestionValue {
  readonly use: string
  readonly released: boolean
  readonly classes: readonly string[]
  readonly columns: readonly string[]

  constructor(value: PhiQuestionValue) {
    this.use = value.use
    this.released = value.released
    this.classes = value.classes
    this.columns = value.columns
  }
}

export class ReadingValue {
  readonly bound: string
  readonly limit: bigint
  readonly isPage: boolean

  constructor(value: ReadingValue) {
    this.bound = value.bound
    this.limit = value.limit
    this.isPage = value.isPage
  }
}

export class PatientsValue {
  readonly used: boolean
  readonly bound: boolean
  readonly named: boolean

  constructor(value: PatientsValue) {
    this.used = value.used
    this.bound = value.bound
    this.named = value.named
  }
}

export class RecentValue {
  readonly statements: bigint
  readonly rows: bigint
  readonly patients: bigint
  readonly refusals: bigint
  readonly pagedRows: bigint

  constructor(value: RecentValue) {
    this.statements = value.statements
    this.rows = value.rows
    this.patients = value.patients
    this.refusals = value.refusals
    this.pagedRows = value.pagedRows
  }
}

/** A moment, as the clocks of a time zone (IANA) show it. A zone that is not known throws, so that the rule refuses. */
export class NowValue {
  /** Since 1970 in UTC. */
  readonly seconds: bigint
  readonly #at: number

  constructor(at: number) {
    this.#at = at
    this.seconds = BigInt(Math.floor(at / 1000))
  }

  hours(zone: string): bigint {
    return BigInt(Math.floor(this.#local(zone).minute / 60))
  }

  minutes(zone: string): bigint {
    return BigInt(this.#local(zone).minute % 60)
  }

  /** 0 is Sunday. */
  dayOfWeek(zone: string): bigint {
    return BigInt(this.#local(zone).day)
  }

  #local(zone: string) {
    const local = localTime(zone, this.#at)
    if (local === undefined) throw new RangeError('there is no such time zone')
    return local
  }
}
