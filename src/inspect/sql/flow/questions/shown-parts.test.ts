import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import { beyond, hospitalFlow } from './questions-test-support.ts'
import { letters } from '../flow-test-support.ts'

beforeAll(() => loadModule())

const isThere = (part: string) => `SELECT x IS NULL FROM (SELECT body -> ${part} AS x FROM documents) d`

// documents.body: gender is free of PHI, family is a name, everything else is masked.
describe('questions about parts of documents that are free of PHI', () => {
  it.each([
    `body @> '{"gender": "male"}'`,
    `body @> '{"gender": {"code": ["m", 1]}}'::jsonb`,
    `'[{"gender": null}]' <@ body`,
    `body @> '{}'`,
    `body ? 'gender'`,
    `body ? 'family'`,
    `body @? '$.gender'`,
    `body @? '$.family'`,
    `body @? '$ ? (@.gender == "male")'`,
    `body @@ '$.gender == "male"'`,
    `jsonb_path_exists(body, '$.gender ? (@ == "male")')`,
    `jsonb_path_match(body, '$.gender == "male" || $.gender == null')`,
  ])('%s is none about PHI', (condition) => {
    const flow = hospitalFlow(`SELECT id, ${condition} FROM documents WHERE ${condition}`)
    expect({ outputs: letters(flow), questions: flow.questions, hazards: flow.hazards }).toEqual({
      outputs: 'oc',
      questions: [],
      hazards: [],
    })
  })

  it.each([
    `body @> '{"family": "Kohl"}'`,
    `body @> '{"family": {}}'`,
    `body @> '{"Kohl": {}}'`,
    `body @> '"Kohl"'`,
    `body @> '["Kohl"]'`,
    `body @> '{"gender": "male", "family": "Kohl"}'`,
    `body @> '{"gender"'`,
    'body @> $1',
    `body @> jsonb_build_object('family', 'Kohl')`,
    `body -> 'family' @> '"Kohl"'`,
    `body -> 'family' ? 'Kohl'`,
    `body ? 'Kohl'`,
    `body ?| '{gender,Kohl}'`,
    `body @? '$.Kohl'`,
    `body @? '$.family.Kohl'`,
    `body @? '$ ? (@.family == "Kohl")'`,
    `body @? '$.family ? (@ starts with "K")'`,
    `body @@ '$.family == "Kohl"'`,
    `body @@ '$.* == "Kohl"'`,
    `body @@ '$ == "Kohl"'`,
    `jsonb_path_exists(body, '$.gender ? (@ == $x)', '{"x": "male"}')`,
    `jsonb_path_match(body, '$.gender == $.family')`,
    `jsonb_path_match(body, '$.gender == "x" && exists($.Kohl)')`,
  ])('%s is one about PHI', (condition) => {
    expect(beyond(hospitalFlow(`SELECT id FROM documents WHERE ${condition}`))).not.toEqual([])
  })

  it('is not made by operators that somebody has put in front', () => {
    const flow = hospitalFlow(`SELECT id FROM documents WHERE body OPERATOR(mine.@>) '{"gender": "male"}'`)
    expect([...beyond(flow), ...flow.hazards]).not.toEqual([])
  })

  it('sees how many elements there are only where that is shown', () => {
    const flow = hospitalFlow(
      'SELECT count(*), max(jsonb_array_length(d.body)) FROM documents d, jsonb_array_elements(d.body) e',
    )
    expect({ outputs: letters(flow), beyond: beyond(flow) }).toEqual({ outputs: 'cc', beyond: [] })
    const inside =
      "SELECT count(*), max(jsonb_array_length(body -> 'family')) FROM documents, jsonb_array_elements(body -> 'family') e"
    expect(letters(hospitalFlow(inside))).toBe('pp')
  })

  it('sees whether a part is there only where that is shown', () => {
    expect(beyond(hospitalFlow(isThere(`'family'`)))).toEqual([])
    expect(beyond(hospitalFlow(isThere(`'Kohl'`)))).not.toEqual([])
  })
})
