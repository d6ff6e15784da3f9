import type { PhiClass, NOT_PHI } from '../phi/classes.ts'
import type { BuiltinDetectorId } from '../phi/detect/builtin-detectors.ts'
import type { OperatorPattern } from '../phi/detect/operator-pattern.ts'
import type { DetectorSettings } from '../phi/detect/text-detectors.ts'
import type { KeyReference } from './store-config.ts'

/** Of the transform `detect`, and of `unlabelledColumns: detect`. */
export interface DetectorsConfig {
  readonly builtin: 'all' | readonly BuiltinDetectorId[]
  readonly patterns: readonly OperatorPattern[]
  /** Values that have been masked and are looked for in texts: none, those of the same row, those of the session as well. */
  readonly knownValues: DetectorSettings['knownValues']
  readonly http: HttpDetectorConfig | undefined
}

/** A service that finds identifiers in text, with the interface of the Presidio analyzer. */
export interface HttpDetectorConfig {
  readonly url: string
  /** PEM file; undefined: the certificate authorities that the runtime trusts. */
  readonly caFile: string | undefined
  /** Where the value of the Authorization header is. */
  readonly authorization: KeyReference | undefined
  readonly timeout: number
  readonly language: string
  readonly scoreThreshold: number
  /** Requests at the same time. */
  readonly concurrency: number
  /** In characters. */
  readonly maxTextLength: number
  /** Texts whose answers are kept. */
  readonly cacheSize: number
  /** Type of entity → class, or none; added to those that are known. */
  readonly entities: Readonly<Record<string, PhiClass | typeof NOT_PHI>>
}
