import type { Kind } from '../schema.ts'
import type { Draft, Scope, Value } from './draft.ts'
import { leaf, value } from './value.ts'

const MEMBERS: readonly Kind[] = ['text', 'int', 'date', 'text', 'json', 'texts', 'bool', 'num', 'uuid']
const KEYS = ['who', 'code', 'k', 'ssn', 'a"b'] as const

/** A document: built, taken apart, or changed. */
export function jsonValue(draft: Draft, scope: Scope, depth: number, clean: boolean): Value {
  const { choices } = draft
  const parts: Value[] = []
  const use = (part: Value): string => {
    parts.push(part)
    return part.sql
  }
  const member = (): string => use(value(draft, choices.pick(MEMBERS), scope, depth - 1, clean))
  const document = (): string => use(value(draft, 'json', scope, depth - 1, clean))
  const key = (): string => `'${choices.pick(KEYS)}'`
  const prefix = choices.pick(['jsonb', 'json'])
  const risky = clean || !draft.dares('computation')
  const sql = choices.weighted([
    [4, () => `${prefix}_build_object(${key()}, ${member()}, 'code', ${member()})::jsonb`],
    [2, () => `${prefix}_build_array(${member()}, ${member()})::jsonb`],
    [2, () => `to_jsonb(${member()})`],
    [2, () => rows(draft, scope, clean, use) ?? document()],
    [2, () => `((${document()})::jsonb -> ${choices.pick(["'who'", "'home'", "'code'", "'visits'", '0'])})`],
    [1, () => `((${document()})::jsonb #> '{home,zip}')`],
    [1, () => `((${document()})::jsonb || (${document()})::jsonb)`],
    [1, () => `((${document()})::jsonb - ${choices.pick(["'who'", "'home'"])})`],
    [1, () => `jsonb_set((${document()})::jsonb, '{code}', to_jsonb(${member()}))`],
    [1, () => `jsonb_strip_nulls((${document()})::jsonb)`],
    [1, () => `jsonb_build_object((${use(leaf(draft, 'text', scope, risky))})::text, ${member()})`],
    [1, () => `JSON_OBJECT(${key()}: ${member()}, 'code': ${member()})::jsonb`],
    [1, () => `JSON_ARRAY(${member()}, ${member()})::jsonb`],
    [
      1,
      () =>
        `jsonb_object(${use(value(draft, 'texts', scope, 0, risky))}, ${use(value(draft, 'texts', scope, 0, risky))})`,
    ],
    [1, () => `array_to_json(${use(value(draft, 'texts', scope, depth - 1, clean))})::jsonb`],
    [1, () => `to_jsonb(json_build_object(${key()}, ${member()}) ->> 'k')`],
  ])
  return { sql: `(${sql})`, phi: parts.some(({ phi }) => phi) }
}

/** A whole row as a document. */
function rows(draft: Draft, scope: Scope, clean: boolean, use: (part: Value) => string): string | undefined {
  const usable = scope.relations.filter(({ phi }) => !(clean && phi))
  if (usable.length === 0) return undefined
  const { alias, phi } = draft.choices.pick(usable)
  use({ sql: alias, phi })
  return `${draft.choices.pick(['to_jsonb', 'row_to_json'])}(${alias})::jsonb`
}
