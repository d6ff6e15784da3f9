import type { SqlFacts } from '../../inspect/sql/facts.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { ValueForm } from '../../phi/value-form.ts'
import type { Resolved, ResolvedText } from '../../protocols/protocol.ts'
import type { ConstantColumns } from './constant-columns.ts'
import { type Literal, Literals, numberType, type NumberType, spelled } from './literals.ts'
import { readConstant } from './read-constant.ts'
import { type Constant, type ConstantRules, settleConstants, type Settled } from './settle-constants.ts'

interface TextConstant extends Constant {
  readonly literal: Literal
  readonly type: NumberType | undefined
}

const NUMBER_FORM: ValueForm = { kind: 'numeric', binary: false, limit: undefined, elementOid: 0 }

/** The text with the stand-ins among its literals resolved, by the sites of all its statements. */
export function resolveText(
  sql: string,
  facts: readonly SqlFacts[],
  columns: ConstantColumns,
  rules: ConstantRules,
): Resolved<ResolvedText> | Promise<Resolved<ResolvedText>> {
  const constants = textConstants(sql, facts, columns)
  if (constants.length === 0) return 'as-is'
  const settled = settleConstants(constants, rules)
  return settled instanceof Promise
    ? settled.then((done) => replaced(sql, constants, done, rules))
    : replaced(sql, constants, settled, rules)
}

function textConstants(sql: string, facts: readonly SqlFacts[], columns: ConstantColumns): readonly TextConstant[] {
  const literals = new Literals(sql)
  const constants: TextConstant[] = []
  for (const { sites = [] } of facts) {
    for (const { at, use, column, class: phiClass, elements, isUntyped } of sites) {
      if (at.kind === 'parameter') continue
      const found = columns.of(column, phiClass, elements)
      if (found === undefined) continue
      const literal = literals.at(at, use)
      const form = use === 'embedded' && literal.kind === 'number' ? NUMBER_FORM : found.form
      const read = readConstant(Buffer.from(literal.text), form, found, use, columns.typeOf)
      const type = isUntyped === true ? numberType(found.form.kind) : undefined
      constants.push({ use, column, class: phiClass, read, literal, type })
    }
  }
  return constants
}

function replaced(
  sql: string,
  constants: readonly TextConstant[],
  settled: Settled | ChaperoneError,
  rules: ConstantRules,
): Resolved<ResolvedText> {
  if (settled instanceof ChaperoneError) return settled
  const spellings = new Map<number, { readonly literal: Literal; readonly text: string | undefined }>()
  for (const [i, { literal, column, type }] of constants.entries()) {
    const value = settled[i]
    const text = value === undefined ? undefined : spelled(value.toString('utf8'), literal, type)
    const other = spellings.get(literal.start)
    // At two sites it has to become the same.
    if ((value !== undefined && text === undefined) || (other !== undefined && other.text !== text)) {
      return rules.refusal('unknown', column)
    }
    spellings.set(literal.start, { literal, text })
  }
  const changed = [...spellings.values()].flatMap(({ literal: { start, end }, text }) =>
    text === undefined ? [] : [{ start, end, text }],
  )
  return changed.length === 0
    ? 'as-is'
    : splice(
        sql,
        changed.toSorted((a, b) => a.start - b.start),
      )
}

function splice(
  sql: string,
  changed: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): ResolvedText {
  let text = ''
  let copied = 0
  for (const { start, end, text: spelling } of changed) {
    text += sql.slice(copied, start) + spelling
    copied = end
  }
  return {
    sql: text + sql.slice(copied),
    replaced: changed.map(({ start, end, text: { length } }) => ({ start, length: end - start, newLength: length })),
  }
}
