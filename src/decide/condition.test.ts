import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { compileCondition, CONDITION_VARIABLES } from './condition.ts'
import { GUARDRAILS } from './packs/guardrails.ts'
import { policyChecks } from './policy-checks.ts'
import { parseConfig } from '../config/load.ts'

const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')

it('knows exactly the variables that are documented', () => {
  const documented = [...text.matchAll(/^\| `(\w+)` \| (?:object|string|bool|int|list of (?:string|object)) \|/gm)].map(
    ([, name]) => name,
  )
  expect(documented).toEqual(CONDITION_VARIABLES)
  for (const name of CONDITION_VARIABLES) expect(compileCondition(`[${name}].size() == 1`)).toHaveProperty('holds')
})

it('has exactly the pack rules that are documented, with their effects', () => {
  const documented = [...text.matchAll(/^\| `([\w-]+)` \| (refuse|hold|warn) \|/gm)].map(([, name, effect]) => [
    name,
    effect,
  ])
  expect(documented).toEqual(GUARDRAILS.map(({ name, effect }) => [name, effect]))
})

it('accepts the conditions of the documented example', () => {
  const example = /```yaml\n(version: 1\n[\s\S]*?)```/.exec(text)?.[1] ?? ''
  const conditions = /\nrules:\n[\s\S]*?\n\n/.exec(example)?.[0] ?? ''
  const base = `version: 1
listen: { postgres: { allowPlaintextPasswordOnLoopback: true } }
admin: { loopbackPort: 7000 }
journal: { statementsAreNotSealed: true }
issuers: [{ name: a, issuer: "https://a.example", audience: b, claims: { kind: { fixed: agent } } }]
targets: { t: { host: h, user: u, credential: none } }
grants: []
`
  const config = parseConfig(`${base}${conditions}`, '/nowhere/chaperone.yaml', {}, policyChecks)
  expect(config.rules.map(({ name }) => name)).toEqual(['agents-do-not-write-orders', 'reads-are-limited'])
})

it('takes no condition beyond its bounds', () => {
  expect(compileCondition(Array.from({ length: 3000 }, () => 'masked').join(' && '))).toHaveProperty('message')
  expect(compileCondition(`${'('.repeat(500)}masked${')'.repeat(500)}`)).toHaveProperty('message')
  expect(compileCondition('')).toHaveProperty('message')
})

it.each<readonly [string, circumstances: readonly string[], guard: string | undefined]>([
  ['masked', [], undefined],
  ['estimatedRows > 10', ['estimatedRows'], undefined],
  ['masked && estimatedRows > 10', ['estimatedRows'], '(masked)'],
  ['masked && (limited && recent.rows > 1) && "ü" != run', ['recent'], '(masked) && (limited) && ("ü" != run)'],
  ['masked || now.getHours("Europe/Berlin") > 20', ['now'], undefined],
  ['(masked || limited) && now.seconds > recent.rows', ['recent', 'now'], '(masked || limited)'],
  ['relations.exists(now, now.phi) && masked', ['now'], '(masked)'],
  ['relations.exists(r, r.phi && estimatedRows > 1)', ['estimatedRows'], undefined],
])('%s asks for %j', (text_, circumstances, guard) => {
  const condition = compileCondition(text_)
  if (!('holds' in condition)) throw new TypeError(condition.message)
  expect(condition.circumstances).toEqual(circumstances)
  expect(condition.guard?.text).toBe(guard)
})
