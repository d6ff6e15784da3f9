import type { Hazard, SqlFacts } from '../inspect/sql/facts.ts'
import { ERRORS, type ErrorCode } from '../lib/errors.ts'
import type { Finding } from './finding.ts'
import { listed } from './listed.ts'

interface HazardWords {
  readonly code: ErrorCode
  /** Followed by the subjects. */
  readonly message: string
  readonly hint?: string
  /** Refused whatever the clearance. */
  readonly everybody?: true
}

const WORDS: Readonly<Record<Hazard['kind'], HazardWords>> = {
  'function-not-known-safe': { code: 'CHP-MASK-UNPROVEN', message: 'functions that are not known to be safe:' },
  'relation-not-allowed': {
    code: 'CHP-MASK-UNPROVEN',
    message: 'relations that show protected data around the columns:',
    hint: 'Read the tables themselves.',
  },
  'relation-unresolved': { code: 'CHP-MASK-UNRESOLVED', message: 'names that were not found in the catalog:' },
  'operator-not-known-safe': { code: 'CHP-MASK-UNPROVEN', message: 'operators that are not known to be safe:' },
  'phi-copied': {
    code: 'CHP-MASK-UNPROVEN',
    message: 'protected data would be written to a place that is not labelled:',
    hint: 'Write columns that hold no protected data. For a table of your own use a common table expression (WITH) in the same statement.',
  },
  'phi-in-utility': {
    code: 'CHP-MASK-UNPROVEN',
    message: 'protected data in the output of a statement that cannot be masked:',
    hint: 'Run the SELECT itself. EXPLAIN works without ANALYZE; COPY … TO STDOUT in text and CSV, without a NULL of your own.',
  },
  'setting-pinned': { code: 'CHP-MASK-SESSION', message: 'settings that are pinned while results are masked:' },
  'setting-required': {
    code: 'CHP-MASK-SESSION',
    message: 'settings that the gateway needs as they are:',
    hint: 'Leave encoding and string syntax as they are.',
    everybody: true,
  },
  'code-not-analysed': {
    code: 'CHP-MASK-UNPROVEN',
    message: 'code whose effects cannot be seen beforehand:',
    hint: 'Send the SQL statements themselves.',
  },
  'construct-not-analysed': { code: 'CHP-MASK-UNPROVEN', message: 'constructs that are not analysed yet:' },
}

/** For a kind that is not in the table: a newer inspector than this room. Unknown means no. */
const UNKNOWN: HazardWords = {
  code: 'CHP-MASK-UNPROVEN',
  message: 'something that could reveal protected data:',
  everybody: true,
}

/** One finding for each kind of hazard. Built in: no rule and no pack switches it off. */
export function hazardFindings(facts: SqlFacts, masked: boolean, statement: number): readonly Finding[] {
  const subjects = new Map<string, Set<string>>()
  for (const { kind, subject } of facts.hazards) {
    const known = subjects.get(kind)
    if (known === undefined) subjects.set(kind, new Set([subject]))
    else known.add(subject)
  }
  return [...subjects].flatMap(([kind, names]): Finding[] => {
    const words = wordsFor(kind)
    if (!masked && words.everybody === undefined) return []
    const rule = `masking.${kind}`
    const message = `${words.message} ${listed([...names].toSorted())}`
    return [
      { severity: 'hazard', rule, statement, code: words.code, message, hint: words.hint ?? ERRORS[words.code].hint },
    ]
  })
}

function wordsFor(kind: string): HazardWords {
  const table: Readonly<Record<string, HazardWords>> = WORDS
  return (Object.hasOwn(table, kind) ? table[kind] : undefined) ?? UNKNOWN
}
