import { newToken, TOKEN_RANDOM_BYTES } from '../../../src/phi/tokens/token-text.ts'
import type { TokenForm } from '../../../src/phi/tokens/stand-ins.ts'
import type { Choices } from '../choices.ts'
import { type Referred, reference, type Style, written } from '../references.ts'
import { PATIENTS, TwinValues } from '../twins.ts'
import { isNull } from '../vocabulary.ts'

/** A column of patients whose values leave as tokens. */
export interface TokenColumn {
  readonly name: Referred
  readonly class: string
  readonly type: 'text' | 'varchar' | 'int4' | 'int8' | 'numeric' | 'uuid'
  readonly form: TokenForm
}

const column = (name: Referred, phiClass: string, type: TokenColumn['type'], form: TokenForm): TokenColumn => ({
  name,
  class: phiClass,
  type,
  form,
})

export const COLUMNS: readonly TokenColumn[] = [
  column('name', 'name', 'text', 'text'),
  column('alias', 'name', 'varchar', 'text'),
  column('ssn', 'ssn', 'text', 'text'),
  column('mrn', 'mrn', 'text', 'text'),
  column('record', 'mrn', 'int4', 'integer'),
  column('member', 'health-plan', 'int8', 'bigint'),
  column('weight', 'other-id', 'numeric', 'bigint'),
  column('token', 'other-id', 'uuid', 'uuid'),
  column('email', 'email', 'text', 'email'),
  column('phone', 'phone', 'text', 'phone'),
  column('badge', 'license', 'varchar', 'short'),
  column('code', 'license', 'varchar', 'text'),
  column('digits', 'account', 'text', 'text'),
  column('folio', 'account', 'int8', 'bigint'),
]

/** In documents as well. */
export const [RECORD = column('record', 'mrn', 'int4', 'integer')] = COLUMNS.filter(({ name }) => name === 'record')

/** Those of the chart: whether a text is a number, and fits, shows when it is stored (docs/tokens.md), so all of them do. */
export const CHARTED = COLUMNS.filter(({ name }) => name !== 'folio' && name !== 'code')

export const [NAME = column('name', 'name', 'text', 'text')] = COLUMNS

export const isText = ({ type }: TokenColumn): boolean => type === 'text' || type === 'varchar'

/** A value of Bind. */
export interface Parameter {
  /** With references. */
  readonly text: string
  readonly type: TokenColumn['type'] | 'texts'
  readonly format: 0 | 1
  /** Whether Parse says the type. */
  readonly declared: boolean
}

/** What a constant says, in a style; the same for every style. */
interface Content {
  readonly in: (style: Style) => string
  /** A token of the column that it is meant for. */
  readonly genuine: boolean
}

export interface Constant {
  readonly sql: string
  /** Whether the server answers as the gateway does when it has the value in this place. */
  readonly genuine: boolean
}

/** Where a constant stands: what it may say there. */
export interface Place {
  /** Values of side a, which nobody may be asked about. */
  readonly values: boolean
}

const sideA = new TwinValues('a')

/** What a token statement is made with. */
export class TokenDraft {
  readonly choices: Choices
  readonly parameters: Parameter[] = []
  /** Whether there may be parameters. */
  readonly #binds: boolean

  constructor(choices: Choices, binds: boolean) {
    this.choices = choices
    this.#binds = binds
  }

  column(among = COLUMNS): TokenColumn {
    return this.choices.pick(among)
  }

  /** A constant for a column, in some spelling. */
  constant(of: TokenColumn, place: Place): Constant {
    const content = this.#content(of, place)
    return this.choices.weighted<Constant>([
      [6, () => literal(content, of)],
      [this.#binds ? 5 : 0, () => this.#bound(content, of)],
      [1, () => this.#odd(content, of)],
    ])
  }

  /** A value of side a. */
  guess(of: TokenColumn): string {
    return literal(fixed(sideA.patient(this.#row(of) - 1)[of.name]), of).sql
  }

  /** A token of the column, or something like it, as a plain literal. */
  literal(of: TokenColumn): string {
    return literal(this.#content(of, { values: false }), of).sql
  }

  /** A token of the column, without quotes. */
  genuineContent(of: TokenColumn, style: Style): string {
    return this.#genuine(of).in(style)
  }

  /** What a literal says, without quotes. */
  content(of: TokenColumn, place: Place, style: Style): string {
    return this.#content(of, place).in(style)
  }

  /** An array of constants in one. */
  list(of: TokenColumn, place: Place): Constant {
    const contents = Array.from({ length: 1 + this.choices.next(2) }, () => this.#content(of, place))
    const genuine = contents.every((content) => content.genuine)
    const listed = (style: Style): string => `{${contents.map((content) => `"${content.in(style)}"`).join(',')}}`
    if (!this.#binds || !isText(of)) return { sql: `'${listed('list')}'`, genuine }
    const declared = this.choices.chance(50)
    const format = declared && this.choices.chance(50) ? 1 : 0
    const text = format === 1 ? contents.map((content) => content.in('plain')).join('\u0000') : listed('plainlist')
    return { sql: this.#bind({ text, type: 'texts', format, declared }), genuine }
  }

  /** One parameter, to be used more than once. */
  shared(of: TokenColumn, place: Place): Constant {
    const content = this.#content(of, place)
    if (!this.#binds) return literal(content, of)
    return this.#bound(content, of)
  }

  #bound(content: Content, of: TokenColumn): Constant {
    const declared = this.choices.chance(50)
    const format = of.type !== 'numeric' && this.choices.chance(50) ? 1 : 0
    const sql = this.#bind({ text: content.in('plain'), type: of.type, format, declared })
    const cast = this.choices.chance(20) ? `::${of.type}` : ''
    return { sql: sql + cast, genuine: content.genuine }
  }

  #bind(parameter: Parameter): string {
    this.parameters.push(parameter)
    return `$${this.parameters.length}`
  }

  #content(of: TokenColumn, { values }: Place): Content {
    const { choices } = this
    const row = (): number => 1 + choices.next(PATIENTS)
    const others = (same: boolean): readonly TokenColumn[] =>
      COLUMNS.filter((one) => one !== of && (one.class === of.class) === same)
    const foreign = (candidates: readonly TokenColumn[]): Content =>
      candidates.length === 0 ? this.#genuine(of) : { ...this.#genuine(choices.pick(candidates)), genuine: false }
    return choices.weighted<Content>([
      [10, () => this.#genuine(of)],
      [2, () => foreign(others(true))],
      [2, () => foreign(others(false))],
      [1, () => foreign(others(false).filter(({ type }) => type === of.type))],
      // Of these two some values are equal, on one side.
      [of.name === 'digits' ? 5 : 0, () => foreign(COLUMNS.filter(({ name }) => name === 'phone'))],
      [of.name === 'phone' ? 5 : 0, () => foreign(COLUMNS.filter(({ name }) => name === 'digits'))],
      [2, () => fixed(forged(of.form, row()))],
      [1, () => fixed(isText(of) ? malformed(forged(of.form, row())) : forged(of.form, row()))],
      [1, () => ({ in: () => reference(of.name, this.#row(of), 'upper'), genuine: false })],
      [2, () => fixed(choices.pick(PLACEHOLDERS))],
      [values ? 4 : 0, () => fixed(sideA.patient(row() - 1)[of.name])],
    ])
  }

  #genuine(of: TokenColumn): Content {
    const row = this.#row(of)
    return { in: (style) => reference(of.name, row, style), genuine: true }
  }

  #row({ name }: TokenColumn): number {
    const row = 1 + this.choices.next(PATIENTS)
    return isNull(name, row) ? 1 : row
  }

  /** Spellings that are no plain literal of the type. */
  #odd(content: Content, of: TokenColumn): Constant {
    const quoted = `'${content.in('quoted')}'`
    const kept = { genuine: content.genuine }
    const odd = { genuine: false }
    const { choices } = this
    return choices.pick<() => Constant>([
      () => ({ ...kept, sql: `${quoted}::${of.type}` }),
      () => ({ ...kept, sql: `CAST(${quoted} AS ${of.type})` }),
      () => ({ ...odd, sql: `E${quoted}` }),
      () => ({ ...odd, sql: `$q$${content.in('plain')}$q$` }),
      () => ({ ...odd, sql: `U&${quoted}` }),
      () => ({ ...odd, sql: `(SELECT ${quoted}::${of.type})` }),
      () => ({ ...odd, sql: `concat(${quoted}, '')${isText(of) ? '' : `::${of.type}`}` }),
      () => ({ ...odd, sql: `(${quoted} || '')${isText(of) ? '' : `::${of.type}`}` }),
      () => ({ ...odd, sql: `coalesce(${quoted}::${of.type}, NULL)` }),
      () => ({ ...odd, sql: `(ARRAY[${quoted}::${of.type}])[1]` }),
      () => ({ ...odd, sql: `CASE WHEN true THEN ${quoted}::${of.type} END` }),
      () => ({ ...odd, sql: isText(of) ? `btrim(' ' || ${quoted})` : `(${quoted}::${of.type})` }),
    ])()
  }
}

/** As one writes it: numbers without quotes, if they are some on both sides. */
function literal(content: Content, of: TokenColumn): Constant {
  const text = content.in('quoted')
  const bare = /^int|^numeric/.test(of.type) && (content.genuine || /^-?[0-9]+$/.test(text))
  return { sql: bare ? text : `'${text}'`, genuine: content.genuine }
}

const PLACEHOLDERS = ['[redacted]', '[redacted]', '[redacted]', '1955-01-01', '021', '****', '', '[redacted 2]']

/** The same on both sides. */
const fixed = (text: string): Content => ({ in: (style) => written(text, style), genuine: false })

/** Never given out, and well-formed. */
const forged = (form: TokenForm, number: number): string =>
  newToken(form, Buffer.alloc(TOKEN_RANDOM_BYTES, `never given out ${number}`))

const malformed = (token: string): string => token.slice(0, 8) + (token[8] === '1' ? '2' : '1') + token.slice(9)
