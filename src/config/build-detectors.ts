import type { AbsolutePath } from './build-credential.ts'
import { bare } from './bare.ts'
import { buildKey } from './build-store.ts'
import type { DetectorsConfig } from './detectors-config.ts'
import type { ParsedConfig } from './schema.ts'

/** The section `phi.detectors`. */
export function buildDetectors(
  { builtin, patterns, knownValues, http }: ParsedConfig['phi']['detectors'],
  absolute: AbsolutePath,
): DetectorsConfig {
  return {
    builtin,
    patterns: patterns.map((pattern) => ({ ...pattern, check: pattern.check })),
    knownValues,
    http: http === undefined ? undefined : buildHttp(http, absolute),
  }
}

function buildHttp(
  { ca, ...http }: NonNullable<ParsedConfig['phi']['detectors']['http']>,
  absolute: AbsolutePath,
): DetectorsConfig['http'] {
  return {
    ...http,
    caFile: ca === undefined ? undefined : absolute(ca),
    authorization: buildKey(http.authorization, absolute),
    entities: bare(http.entities, (phiClass) => phiClass),
  }
}
