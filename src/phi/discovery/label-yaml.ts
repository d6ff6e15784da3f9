import { NOT_PHI } from '../classes.ts'
import type { Finding } from './finding.ts'
import type { ColumnFinding } from './propose.ts'

/** A key of `phi.labels.<target>`: a part with a dot, star, blank or quote stands in double quotes. */
export function labelKey({ schema, table, column }: Pick<ColumnFinding, 'schema' | 'table' | 'column'>): string {
  return [schema, table, column]
    .map((name) => (/[.*\s"]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name))
    .join('.')
}

const memberKey = (path: readonly string[]): string =>
  path.map((name) => (/[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join('.')

const PLAIN = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const KEYWORD = /^(?:true|false|null|yes|no|on|off|y|n)$/i

/** A YAML scalar that is read as this text. Control characters are written as escapes: a terminal must not obey a name. */
export function yamlScalar(text: string): string {
  if (PLAIN.test(text) && !KEYWORD.test(text)) return text
  return JSON.stringify(text).replaceAll(/\p{Cc}/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Reasons name columns, so a line break in a name would end the comment. */
const comment = (text: string): string => `# ${text.replaceAll(/\p{Cc}|[\u2028\u2029]/gu, '?')}`

/** One label in YAML with its reasons above it, for pasting under `phi.labels.<target>`. */
export function labelYaml(column: ColumnFinding, finding: Finding): readonly string[] {
  const key = yamlScalar(labelKey(column))
  const why = comment(`${finding.confidence}: ${finding.reasons.join('; ')}`)
  if (finding.members === undefined) return [why, `${key}: ${finding.class}`]
  return [
    why,
    `${key}:`,
    `  class: ${finding.class}`,
    '  members:',
    ...finding.members.map((member) => `    ${yamlScalar(memberKey(member.path))}: ${member.class}`),
    '  others: mask',
  ]
}

/** A column in which nothing was found, as a comment to be made a label once somebody has looked at it. */
export const reviewYaml = (column: ColumnFinding): string =>
  comment(`${yamlScalar(labelKey(column))}: ${NOT_PHI}  # nothing found in ${column.values} value(s)`)
