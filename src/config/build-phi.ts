import { parseLabelPattern } from '../phi/label-pattern.ts'
import { parseMemberPath } from '../phi/member-path.ts'
import type { CustomTransform } from '../phi/transform-names.ts'
import { bare } from './bare.ts'
import type { AbsolutePath } from './build-credential.ts'
import { buildDetectors } from './build-detectors.ts'
import { buildKey, buildKeys, buildTokens } from './build-store.ts'
import type { DocumentConfig, LabelConfig, MemberConfig, PatientKeyConfig, PhiConfig } from './config.ts'
import type { ParsedConfig } from './schema.ts'

type ParsedPhi = ParsedConfig['phi']
type ParsedLabel = ParsedPhi['labels'][string][string]
type ParsedTransform = ParsedPhi['transforms'][string]

const DEFAULT_FILL = '****'

/** The section `phi` of a file that has no problems. */
export function buildPhi(phi: ParsedPhi, state: string, absolute: AbsolutePath): PhiConfig {
  const { pack, predicates } = phi
  return {
    pack,
    classes: bare(definedOnly(phi.classes), ({ transform }) => transform),
    transforms: bare(phi.transforms, buildTransform),
    pseudonymKey: buildKey(phi.pseudonymKey, absolute),
    previousPseudonymKeys: buildKeys(phi.previousPseudonymKeys, absolute),
    tokens: buildTokens(phi.tokens, state, absolute),
    detectors: buildDetectors(phi.detectors, absolute),
    predicates: { default: predicates.default, classes: bare(definedOnly(predicates.classes), (policy) => policy) },
    minimumGroupSize: phi.minimumGroupSize,
    trustedFunctions: bare(phi.trustedFunctions, (names) => names),
    labels: bare(phi.labels, (labels) =>
      Object.entries(labels).flatMap(([key, label]): LabelConfig[] => {
        const pattern = parseLabelPattern(key)
        if (pattern === undefined) return []
        const { schema, table, column } = pattern
        return [{ schema, table: table ?? '*', column: column ?? '*', ...buildLabel(label), key }]
      }),
    ),
    patientKeys: bare(phi.patients, (keys) => keys.flatMap(buildPatientKey)),
  }
}

function buildPatientKey(key: string): readonly PatientKeyConfig[] {
  const { schema, table, column } = parseLabelPattern(key) ?? {}
  return schema === undefined || typeof table !== 'string' || typeof column !== 'string'
    ? []
    : [{ schema, table, column }]
}

function buildLabel(label: ParsedLabel): Pick<LabelConfig, 'class' | 'transform' | 'document'> {
  if (typeof label === 'string') return { class: label, transform: undefined, document: undefined }
  const { class: phiClass, transform, members, others } = label
  const document: DocumentConfig | undefined =
    members === undefined ? undefined : { members: buildMembers(members), others: others ?? 'mask' }
  return { class: phiClass, transform, document }
}

function buildMembers(members: Readonly<Record<string, string | { class: string; transform?: string | undefined }>>) {
  return Object.entries(members).flatMap(([key, label]): MemberConfig[] => {
    const path = parseMemberPath(key)
    if (path === undefined) return []
    return typeof label === 'string'
      ? [{ path, class: label, transform: undefined, key }]
      : [{ path, class: label.class, transform: label.transform, key }]
  })
}

function buildTransform(transform: ParsedTransform): CustomTransform {
  const { constant, keepFirst, keepLast, fill, truncate, round } = transform
  if (truncate !== undefined) return { kind: 'truncate', to: truncate }
  if (round !== undefined) return { kind: 'round', to: round }
  if (constant !== undefined) return { kind: 'constant', text: constant }
  return { kind: 'keep-ends', first: keepFirst ?? 0, last: keepLast ?? 0, fill: fill ?? DEFAULT_FILL }
}

/** What zod's partial records allow for and YAML cannot say. */
function definedOnly<T>(record: Readonly<Record<string, T | undefined>>): Readonly<Record<string, T>> {
  const result: Record<string, T> = {}
  for (const [key, value] of Object.entries(record)) if (value !== undefined) result[key] = value
  return result
}
