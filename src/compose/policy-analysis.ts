import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Catalog, PhiDocument, PhiLabel } from '../inspect/sql/catalog.ts'
import type { SqlFacts } from '../inspect/sql/facts.ts'
import { UNLABELLED } from '../inspect/sql/facts.ts'
import { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { systemClock } from '../lib/clock.ts'
import { labelSetOf, unlabelledTexts } from '../label-set.ts'
import { compileDetectors } from '../phi/detect/text-detectors.ts'
import type { Analyse } from '../policy/judge-text.ts'
import { type TargetSnapshot, TargetState } from '../session/target-state.ts'

export interface PolicyAnalysis {
  readonly analyse: Analyse
  close(): Promise<void>
}

/**
 * The analysis of the gateway, for those who ask what would be decided: the same labels over a catalog that is read once a target. No value
 * is masked here, so that the key of pseudonyms is of no matter and need not be at hand.
 */
export function policyAnalysis(config: Config, catalogOf: (target: string) => Promise<Catalog>): PolicyAnalysis {
  const inspector = new SqlInspector()
  const { http, ...settings } = config.phi.detectors
  const detectors = compileDetectors({ ...settings, external: http !== undefined })
  const material = { pseudonymKeys: [randomBytes(32)], detect: { kind: 'detect', detectors } } as const
  const snapshots = new Map<string, Promise<TargetSnapshot>>()
  const snapshotOf = (name: string): Promise<TargetSnapshot> => {
    const target = config.targets[name]
    if (target === undefined) throw new TypeError(`there is no target ${name}`)
    const known = snapshots.get(name)
    if (known !== undefined) return known
    const state = new TargetState({
      target: name,
      labels: labelSetOf(config.phi, name, material),
      unlabelledColumns: target.unlabelledColumns === 'detect' ? unlabelledTexts(material) : target.unlabelledColumns,
      trustedFunctions: config.phi.trustedFunctions[name] ?? [],
      patientKeys: config.phi.patientKeys[name] ?? [],
      catalogCheck: target.catalogCheck,
      inspector,
      clock: systemClock,
      load: () => catalogOf(name),
    })
    const reading = state.refresh()
    snapshots.set(name, reading)
    return reading
  }
  return {
    analyse: async (target, sql, searchPath) => {
      const snapshot = await snapshotOf(target)
      const inspection = await inspector.inspect(sql, { target, searchPath })
      return { inspection, classesOf: (facts) => classesOf(facts, snapshot) }
    },
    close: () => inspector.close(),
  }
}

/** Of the columns that a statement uses, of what it asks about, and of what flows into its outputs. */
function classesOf(facts: SqlFacts, { catalog, view }: TargetSnapshot): readonly string[] {
  const classes = new Set<string>()
  for (const use of facts.relations) {
    const relation = catalog.relations.find(({ oid }) => oid === use.oid)
    for (const column of relation?.columns ?? []) {
      const key = `${use.oid}.${column.attnum}`
      if (!view.phiColumns.has(key) || (use.columns !== '*' && !use.columns.includes(column.name))) continue
      const label = view.labels.get(key)
      for (const name of label === undefined ? [UNLABELLED] : classesOfLabel(label)) classes.add(name)
    }
  }
  for (const question of facts.questions) for (const name of question.classes) classes.add(name)
  for (const output of facts.outputs === 'unknown' ? [] : facts.outputs) {
    if (output.kind === 'phi') for (const name of output.classes) classes.add(name)
  }
  return [...classes].toSorted()
}

const classesOfLabel = (label: PhiLabel): readonly string[] =>
  label.document === undefined ? [label.class] : [...new Set(classesOfDocument(label.document))]

function classesOfDocument(document: PhiDocument): readonly string[] {
  switch (document.kind) {
    case 'clear':
      return []
    case 'phi':
      return [document.class]
    case 'members':
      return [...document.members.values(), document.others].flatMap(classesOfDocument)
    default:
      return document satisfies never
  }
}
