import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import type { ValueOf } from './exchange.ts'
import { comparable } from './oracles.ts'
import { renamed, tokensIn } from './token-spelling.ts'
import { SIDES, type Side, TwinValues } from './twins.ts'

/** Columns of patients that leave as tokens, each as one. */
export const TOKEN_COLUMNS = [
  'name',
  'alias',
  'ssn',
  'mrn',
  'record',
  'member',
  'weight',
  'token',
  'email',
  'phone',
  'badge',
  'code',
  'digits',
  'folio',
] as const

/** What shows every token that the databases have, in an order that is the same on both sides. */
const READ = [
  `SELECT id, ${TOKEN_COLUMNS.join(', ')} FROM clinic.patient ORDER BY id`,
  `SELECT doc ->> 'who', doc -> 'record', doc ->> 'record', tags, contact, to_jsonb(t) FROM clinic.patient t ORDER BY id`,
  'SELECT referrer FROM clinic.visit ORDER BY id',
  'SELECT patient_name FROM clinic.lab ORDER BY id',
] as const

/** An unknown one: which tokens of the other side it may stand for is not known. */
const UNKNOWN = '<T?>'

/** Above what could be the code of a character: a row of numbers must not read as a word. */
const FIRST_NUMBER = 1000

/**
 * The tokens of both sides, as pairs: tokens are random, but which of them are equal is not. A token of one side that stands
 * where two different ones of the other side do tells how their values differ.
 */
export class Vocabulary {
  readonly #numbers: Readonly<Record<Side, Map<string, number>>> = { a: new Map(), b: new Map() }
  readonly #cells: Readonly<Record<Side, Map<string, string>>> = { a: new Map(), b: new Map() }
  /** What the tokens of side a stand for. */
  readonly #values = new Map<string, string>()
  #next = FIRST_NUMBER

  /** The vocabulary of two agents, or what is wrong with it: tokens that are missing or do not correspond. */
  static async read(agents: Readonly<Record<Side, WireClient>>): Promise<Vocabulary | { readonly wrong: string }> {
    const vocabulary = new Vocabulary()
    for (const [index, sql] of READ.entries()) {
      const [a = [], b = []] = await Promise.all(SIDES.map((side) => ask(agents[side], sql)))
      if (index === 0 && !vocabulary.#readCells(a, b)) return { wrong: 'values without tokens' }
      if (!vocabulary.agree(a, b, true)) return { wrong: sql }
    }
    return vocabulary
  }

  /** The tokens of one side for references. */
  of(side: Side): ValueOf {
    return (column, row) => this.#cells[side].get(`${column}.${row}`) ?? ''
  }

  /** An answer with numbers for tokens, the same for those that correspond. */
  numbered(side: Side, told: readonly Received[]): readonly Received[] {
    return renamed(told, (token) => {
      const number = this.#numbers[side].get(token)
      return number === undefined ? UNKNOWN : `<T${number}>`
    })
  }

  /** Whether two answers are the same but for their tokens, and those correspond. New ones do from now on. */
  agree(a: readonly Received[], b: readonly Received[], ordered: boolean): boolean {
    if (comparable(this.numbered('a', a), ordered) !== comparable(this.numbered('b', b), ordered)) return false
    // Of rows in any order it is not known which new token belongs to which.
    if (!ordered) return true
    const others = tokensIn(b)
    for (const [index, token] of tokensIn(a).entries()) if (!this.#pair(token, others[index] ?? '')) return false
    return true
  }

  /** An answer to side a with values in the place of tokens. */
  told(a: readonly Received[]): readonly Received[] {
    return renamed(a, (token) => Buffer.from(this.#values.get(token) ?? UNKNOWN).toString('latin1'))
  }

  #pair(a: string, b: string): boolean {
    const [one, other] = [this.#numbers.a.get(a), this.#numbers.b.get(b)]
    if (one !== undefined || other !== undefined) return one === other
    const number = this.#next++
    this.#numbers.a.set(a, number)
    this.#numbers.b.set(b, number)
    return true
  }

  #readCells(a: readonly Received[], b: readonly Received[]): boolean {
    const values = new TwinValues('a')
    for (const [side, told] of [['a', a] as const, ['b', b] as const]) {
      for (const message of told) {
        if (message.kind !== 'DataRow') continue
        const [id, ...cells] = message.values.map((value) => value?.toString() ?? null)
        const row = Number(id)
        for (const [index, column] of TOKEN_COLUMNS.entries()) {
          const token = cells[index] ?? null
          if ((token === null) !== isNull(column, row)) return false
          if (token === null) continue
          this.#cells[side].set(`${column}.${row}`, token)
          if (side === 'a') this.#values.set(token, values.patient(row - 1)[column])
        }
      }
    }
    return this.#cells.a.size > 0
  }
}

const isUnknown = (value: Buffer | null): boolean => value?.toString('latin1') === UNKNOWN

export const hasUnknown = (told: readonly Received[]): boolean =>
  told.some((message) => message.kind === 'DataRow' && message.values.some(isUnknown))

/** An answer of the server without the values whose tokens are not known: that there is something in their place is all that can be compared. */
export function withUnknown(direct: readonly Received[], answer: readonly Received[]): readonly Received[] {
  const rows = answer.filter((message) => message.kind === 'DataRow')
  let next = 0
  return direct.map((message) => {
    if (message.kind !== 'DataRow') return message
    const other = rows[next++]
    const values = message.values.map((value, index) => {
      const found = other?.values[index] ?? null
      return value !== null && isUnknown(found) ? found : value
    })
    return { ...message, values }
  })
}

/** The patient without anything, and the one without a number. */
export const isNull = (column: string, row: number): boolean => row === 13 || (column === 'ssn' && row === 8)

async function ask(client: WireClient, sql: string): Promise<readonly Received[]> {
  client.send(encodeQuery(sql))
  return client.ready()
}
