import type { PhiClass } from '../classes.ts'
import { DETECTORS, type Detector } from './catalog/detectors.ts'
import type { Evidence } from './evidence.ts'
import type { Confidence, Finding } from './finding.ts'
import type { RowSubject } from './name-class.ts'

/** Shares of the sampled values. */
const NEARLY_ALL = 0.8
const MANY = 0.3
const SOME = 0.05
/** Fewer values than this prove nothing about the column. */
const ENOUGH = 5
/** Fewer numbers than this differ by chance. */
const UNIQUE = 50

/** What the values of a column look like; undefined when they look like nothing in particular. */
export function findInContent(evidence: Evidence, rows: RowSubject): Finding | undefined {
  if (evidence.values === 0) return undefined
  return (
    wholeValues(evidence, rows) ??
    personNames(evidence, rows) ??
    freeText(evidence, rows) ??
    files(evidence) ??
    weak(evidence, rows) ??
    uniqueNumbers(evidence, rows)
  )
}

/** The sampled values as a phrase; counts do not say which values. */
export const outOf = (count: number, values: number): string =>
  count >= values ? `all ${values} sampled values` : `${count} of ${values} sampled values`

function wholeValues(evidence: Evidence, rows: RowSubject): Finding | undefined {
  let best: { readonly finding: Finding; readonly share: number } | undefined
  for (const [phiClass, detectors] of BY_CLASS) {
    const count = sum(evidence, detectors)
    const share = count / evidence.values
    if (count === 0 || share < SOME || share <= (best?.share ?? 0)) continue
    // A date alone says nothing about a person.
    if (phiClass === 'date' && !rows.aboutPerson) continue
    const certain = detectors.some(({ id, strength }) => strength === 'certain' && evidence.whole.has(id))
    const reason = `${outOf(count, evidence.values)} are ${whatOf(evidence, detectors)}`
    best = {
      finding: { class: phiClass, confidence: confidenceOf(certain, share, evidence.values), reasons: [reason] },
      share,
    }
  }
  return best?.finding
}

function confidenceOf(certain: boolean, share: number, values: number): Confidence {
  if (share >= NEARLY_ALL) return certain && values >= ENOUGH ? 'high' : 'medium'
  return share >= MANY ? 'medium' : 'low'
}

/** The few hundred most common names cover a tenth to a third of the people; of other words, next to none. */
function personNames({ values, distinct, whole }: Evidence, rows: RowSubject): Finding | undefined {
  const count = whole.get('person-name') ?? 0
  if (count < ENOUGH || count / values < SOME || distinct / values < MANY) return undefined
  const confidence = count / values >= MANY && rows.aboutPerson ? 'medium' : 'low'
  return { class: 'name', confidence, reasons: [`${outOf(count, values)} have a common name of a person in them`] }
}

/** Identifiers inside longer texts, or texts that somebody wrote. */
function freeText(evidence: Evidence, rows: RowSubject): Finding | undefined {
  const found = STANDING_ALONE.filter(({ id }) => evidence.inside.has(id))
  const count = Math.max(0, ...found.map(({ id }) => evidence.inside.get(id) ?? 0))
  if (count >= 3 || (count > 0 && count / evidence.values >= SOME)) {
    const what = [...new Set(found.map((detector) => detector.what))].slice(0, 4).join(', ')
    const confidence = count / evidence.values >= SOME ? 'high' : 'medium'
    return {
      class: 'free-text',
      confidence,
      reasons: [`texts with ${what} in them (${outOf(count, evidence.values)})`],
    }
  }
  // Descriptions of codes are long as well, but they repeat.
  const written = evidence.distinct / evidence.values >= 0.5 || evidence.long / evidence.values >= 0.5
  if (evidence.wordy / evidence.values < 0.5 || !written) return undefined
  return {
    class: 'free-text',
    confidence: rows.aboutPerson ? 'medium' : 'low',
    reasons: [`${outOf(evidence.wordy, evidence.values)} are running text`],
  }
}

function files({ values, images, files: documents }: Evidence): Finding | undefined {
  if (images > 0) return { class: 'photo', confidence: 'high', reasons: [`${outOf(images, values)} are images`] }
  if (documents > 0)
    return { class: 'free-text', confidence: 'medium', reasons: [`${outOf(documents, values)} are documents`] }
  return undefined
}

/** Shapes that many other things have as well: only where rows are about persons and nearly every value fits. */
function weak({ values, distinct, whole, codes }: Evidence, rows: RowSubject): Finding | undefined {
  // Half of the numbers are codes by chance only when they are codes.
  if (!rows.aboutPerson || distinct < ENOUGH || codes / values >= NEARLY_ALL) return undefined
  for (const { id, class: phiClass, what, strength } of DETECTORS) {
    const count = whole.get(id) ?? 0
    if (strength === 'weak' && id !== 'person-name' && count / values >= 0.95)
      return { class: phiClass, confidence: 'low', reasons: [`${outOf(count, values)} are ${what}`] }
  }
  return undefined
}

/** "Any other unique identifying number": they are numbers, and no two are the same. */
function uniqueNumbers({ values, distinct, numbers, codes }: Evidence, rows: RowSubject): Finding | undefined {
  if (!rows.aboutPerson || values < UNIQUE || distinct < values * 0.98) return undefined
  if (numbers < values * 0.95 || codes / values >= NEARLY_ALL) return undefined
  return {
    class: 'other-id',
    confidence: 'low',
    reasons: [`${outOf(numbers, values)} are numbers, and nearly all differ`],
  }
}

/** One number in ten has a check digit by chance, so a few that have it are chance. */
function sum({ whole, values }: Evidence, detectors: readonly Detector[]): number {
  return detectors.reduce((total, { id, valid }) => {
    const count = whole.get(id) ?? 0
    return valid !== undefined && count / values < MANY ? total : total + count
  }, 0)
}

/** The most frequent of them. */
const whatOf = ({ whole }: Evidence, detectors: readonly Detector[]): string =>
  detectors.toSorted((a, b) => (whole.get(b.id) ?? 0) - (whole.get(a.id) ?? 0))[0]?.what ?? ''

const STANDING_ALONE = DETECTORS.filter(({ strength }) => strength !== 'weak')
const BY_CLASS: ReadonlyMap<PhiClass, readonly Detector[]> = Map.groupBy(STANDING_ALONE, (detector) => detector.class)
