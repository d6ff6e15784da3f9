import { parseConfig } from '../src/config/load.ts'
import { access } from '../src/decide/access.ts'
import { decide, decideNow } from '../src/decide/decide.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import { compilePolicy, type Policy } from '../src/decide/policy.ts'
import type { Principal } from '../src/identity/principal.ts'
import { SqlInspector } from '../src/inspect/sql/sql-inspector.ts'
import { systemClock } from '../src/lib/clock.ts'
import { labelSetOf } from '../src/label-set.ts'
import { testCatalog } from '../src/policy/test-schema.ts'
import { TargetState } from '../src/session/target-state.ts'
import { Verdicts } from '../src/session/verdicts.ts'

const RULES = 500
const SAMPLES = 200
/** Repetitions a sample, because one alone is too short for the clock. */
const CACHED_BATCH = 1000
const UNCACHED_BATCH = 5
const TARGETS = { cached: 5, uncached: 500 }

const TARGET = 'hospital'
const TABLES = {
  'ehr.patients': { id: 'int', name: 'text', ssn: 'text', born: 'date', zip: 'text' },
  'ehr.encounters': { id: 'int', patient: 'int', at: 'timestamptz', reason: 'text' },
} as const

/** Conditions as operators write them, each with a constant of its own so that no two are alike. */
const CONDITIONS: readonly ((index: number) => string)[] = [
  (index) => `target == "target-${index}" && "write" in effects`,
  (index) => `relations.exists(r, r.schema == "ehr" && r.name == "table_${index}" && r.action != "read")`,
  (index) => `principal.kind == "agent" && "group-${index}" in principal.groups && !limited`,
  (index) => `chain.exists(m, m.subject == "subject-${index}") && purpose != "TREAT"`,
  (index) => `phiQuestions.exists(q, "class-${index}" in q.classes && !q.released)`,
]

const yamlRules = (count: number): string =>
  Array.from({ length: count }, (_, index) => {
    const condition = CONDITIONS[index % CONDITIONS.length]?.(index) ?? 'false'
    return `  - { name: rule-${index}, when: ${JSON.stringify(condition)}, effect: refuse }`
  }).join('\n')

const configWith = (rules: number) =>
  parseConfig(
    `version: 1
listen: { postgres: { allowPlaintextPasswordOnLoopback: true } }
admin: { loopbackPort: 7000 }
journal: { statementsAreNotSealed: true }
issuers: [{ name: corp, issuer: "https://a.example", audience: b, claims: { kind: { fixed: agent } } }]
targets: { ${TARGET}: { host: h, user: u, credential: none } }
phi: { labels: { ${TARGET}: { ehr.patients.name: name, ehr.patients.ssn: ssn, ehr.patients.born: date-of-birth, ehr.patients.zip: zip, ehr.patients.id: none, ehr.encounters.*: none } } }
grants: [{ name: agents, principals: [{ kind: agent }], targets: [${TARGET}] }]
${rules === 0 ? '' : `rules:\n${yamlRules(rules)}`}
`,
    '/nowhere/chaperone.yaml',
    {},
    policyChecks,
  )

const AGENT: Principal = { issuer: 'corp', subject: 'a', kind: 'agent', groups: ['ehr', 'night'], name: undefined }
const NOW = systemClock()
const QUIET = { statements: 0, rows: 0, patients: 0, refusals: 0, pagedRows: 0 }

/** As agents send it: with its constants in the text. */
const statement = (index: number): string =>
  `SELECT p.name, p.zip, e.at FROM ehr.patients p JOIN ehr.encounters e ON e.patient = p.id WHERE p.id = ${index} ORDER BY e.id LIMIT 20`

/** Times the way from a text to its decision where it is known, and the decision itself where it is not. False when a target is missed. */
export async function benchDecisions(): Promise<boolean> {
  const inspector = new SqlInspector()
  try {
    const config = configWith(0)
    const state = new TargetState({
      target: TARGET,
      labels: labelSetOf(config.phi, TARGET, {}),
      unlabelledColumns: 'mask',
      trustedFunctions: [],
      patientKeys: [],
      catalogCheck: 'strict',
      inspector,
      clock: systemClock,
      load: () => Promise.resolve(testCatalog({ searchPath: ['public'], tables: TABLES })),
    })
    await state.refresh()
    const scope = Object.freeze({ target: TARGET, searchPath: Object.freeze(['public']) })
    const analysed = await inspector.inspect(statement(0), scope)
    if (!analysed.ok) throw new Error(analysed.message)
    const facts = analysed.statements
    const plain = compilePolicy(config)
    const many = compilePolicy(configWith(RULES))
    const profile = { policy: plain, principal: AGENT, target: TARGET, access: accessOf(plain) }
    const verdicts = new Verdicts(profile)
    const texts = Array.from({ length: CACHED_BATCH }, (_, index) => statement(index))
    const request = (policy: Policy) => ({ principal: AGENT, target: TARGET, access: accessOf(policy), facts })
    const forPlain = request(plain)
    const forMany = request(many)
    const circumstances = { now: NOW, estimatedRows: 10, recent: QUIET }
    const cached = times(CACHED_BATCH, (index) => {
      const inspection = inspector.inspect(texts[index] ?? '', scope)
      // A promise here would mean that it is not cached, and the figure would be nothing.
      if (inspection instanceof Promise) throw new Error('the statement is not cached')
      verdicts.of(inspection)
    })
    const uncached = times(UNCACHED_BATCH, () => decide(many, forMany))
    print('cached decision, text to verdict', cached, TARGETS.cached)
    print(`uncached decision, ${RULES} rules and the pack`, uncached, TARGETS.uncached)
    print(
      'uncached decision, the pack alone',
      times(UNCACHED_BATCH, () => decide(plain, forPlain)),
    )
    print(
      'what depends on the moment, the pack alone',
      times(UNCACHED_BATCH, () => decideNow(plain, forPlain, circumstances)),
    )
    print(
      'access',
      times(UNCACHED_BATCH, () => accessOf(plain)),
    )
    return at(cached, 0.5) <= TARGETS.cached && at(uncached, 0.5) <= TARGETS.uncached
  } finally {
    await inspector.close()
  }
}

function accessOf(policy: Policy) {
  const given = access(policy, AGENT, TARGET, { now: NOW, activated: [] })
  if (given === undefined) throw new Error('no access')
  return given
}

/** Microseconds of one repetition, sorted. The first half only warms up. */
function times(batch: number, work: (index: number) => unknown): readonly number[] {
  const taken: number[] = []
  for (let sample = -SAMPLES; sample < SAMPLES; sample++) {
    const started = performance.now()
    for (let index = 0; index < batch; index++) work(index)
    if (sample >= 0) taken.push(((performance.now() - started) * 1000) / batch)
  }
  return taken.toSorted((left, right) => left - right)
}

const at = (values: readonly number[], share: number): number =>
  values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

function print(what: string, values: readonly number[], target?: number): void {
  const figures = `median ${at(values, 0.5).toFixed(2)} µs, 95 % ${at(values, 0.95).toFixed(2)} µs`
  process.stdout.write(`${what}: ${figures}${target === undefined ? '' : ` (target: at most ${target} µs)`}\n`)
}
