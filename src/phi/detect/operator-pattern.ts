import { RE2JS } from 're2js'
import type { PhiClass } from '../classes.ts'
import { isLuhn } from './checksums.ts'
import type { Span } from './span.ts'

/** A pattern that an operator has written. It runs in RE2, which takes linear time whatever the pattern is. */
export interface OperatorPattern {
  /** Names the detector in reports. */
  readonly name: string
  readonly class: PhiClass
  /** RE2 syntax: no look-around, no back-references. */
  readonly pattern: string
  readonly caseSensitive: boolean
  /** What a match has to satisfy beyond the pattern. */
  readonly check?: 'luhn' | undefined
}

const MAX_LENGTH = 500

/** Why a pattern cannot be used, in words without its text; undefined when it can. */
export function operatorPatternProblem(pattern: string): string | undefined {
  if (pattern.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(pattern)
  } catch (error) {
    return `is no pattern that runs in linear time (RE2 syntax): ${error instanceof Error ? error.message : 'unreadable'}`
  }
  return compiled.matcher('').find() ? 'matches the empty text' : undefined
}

/** Compiles a pattern that `operatorPatternProblem` has nothing against. */
export function operatorFinder(operator: OperatorPattern): (text: string, found: Span[]) => void {
  const compiled = RE2JS.compile(operator.pattern, operator.caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE)
  return (text, found) => {
    const matcher = compiled.matcher(text)
    while (matcher.find()) {
      const [start, end] = [matcher.start(), matcher.end()]
      // A pattern like \b can match nothing in some texts only.
      if (start === end || (operator.check === 'luhn' && !isLuhn(text.slice(start, end)))) continue
      found.push({ start, end, class: operator.class, detector: operator.name })
    }
  }
}
