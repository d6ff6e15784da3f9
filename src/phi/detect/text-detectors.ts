import { ChaperoneError } from '../../lib/errors.ts'
import { BUILTIN_DETECTOR_IDS, type BuiltinDetectorId, findBuiltin } from './builtin-detectors.ts'
import { foldText } from './folded-text.ts'
import { type OperatorPattern, operatorFinder, operatorPatternProblem } from './operator-pattern.ts'
import type { Span } from './span.ts'

/** Which values that are masked elsewhere are looked for in text: none, those of the same row, those of the session as well. */
export const KNOWN_VALUES = ['off', 'row', 'session'] as const

export interface DetectorSettings {
  readonly builtin: 'all' | readonly BuiltinDetectorId[]
  readonly patterns: readonly OperatorPattern[]
  /** Whether an external detector has to be asked about every text. */
  readonly external: boolean
  readonly knownValues: (typeof KNOWN_VALUES)[number]
}

/** A backstop for text that nobody has structured. It misses things: docs/detectors.md says how many. */
export interface TextDetectors extends Pick<DetectorSettings, 'external' | 'knownValues'> {
  /** What the patterns find. Spans can overlap, and are in no order. */
  find(text: string): Span[]
}

/** Throws CHP-CONFIG-INVALID for a pattern of the operator's that cannot be used. */
export function compileDetectors({ builtin, patterns, external, knownValues }: DetectorSettings): TextDetectors {
  const chosen: ReadonlySet<string> = new Set(builtin === 'all' ? BUILTIN_DETECTOR_IDS : builtin)
  const finders = patterns.map((one) => {
    const problem = operatorPatternProblem(one.pattern)
    if (problem === undefined) return operatorFinder(one)
    throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `detector "${one.name}": the pattern ${problem}` })
  })
  return {
    external,
    knownValues,
    find(text) {
      const found: Span[] = []
      const folded = foldText(text)
      findBuiltin(chosen, folded, found)
      for (const find of finders) find(text, found)
      return found
    },
  }
}
