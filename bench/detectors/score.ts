import { KnownValues } from '../../src/phi/detect/known-values.ts'
import { mergeSpans, type Span } from '../../src/phi/detect/span.ts'
import type { TextDetectors } from '../../src/phi/detect/text-detectors.ts'
import type { Note, Planted } from './corpus.ts'
import { type Identifier, SPELLINGS } from './spellings.ts'
import type { Subject } from './subject.ts'

/** Planted, and found in full: something of it left over counts as missed. */
export interface Recall {
  readonly planted: number
  readonly found: number
}

export interface Score {
  readonly identifier: Identifier
  readonly known: Recall
  readonly heldOut: Recall
  /** Of the spans that are called by this class: how many there are, and how many have something planted in them. */
  readonly spans: number
  readonly right: number
}

const CLASSES_OF: Readonly<Record<string, Identifier>> = { 'date-of-birth': 'date', 'date-of-death': 'date' }

/** @param withRow also looks for what the masked columns of the patient's row hold. */
export function scoreCorpus(notes: readonly Note[], detectors: TextDetectors, withRow: boolean): readonly Score[] {
  const counts = new Map<string, { planted: number; found: number }>()
  const spans = new Map<string, { all: number; right: number }>()
  for (const { text, planted, subject } of notes) {
    const found = mergeSpans([...detectors.find(text), ...(withRow ? rowOf(subject).find(text) : [])])
    for (const one of planted) {
      const count = entry(counts, `${one.identifier} ${one.heldOut}`, { planted: 0, found: 0 })
      count.planted += 1
      if (isCovered(text, one, found)) count.found += 1
    }
    for (const span of found) {
      const count = entry(spans, CLASSES_OF[span.class] ?? span.class, { all: 0, right: 0 })
      count.all += 1
      if (planted.some(({ start, end }) => start < span.end && end > span.start)) count.right += 1
    }
  }
  return Object.keys(SPELLINGS)
    .filter((name): name is Identifier => name in SPELLINGS)
    .map((identifier) => ({
      identifier,
      known: counts.get(`${identifier} false`) ?? { planted: 0, found: 0 },
      heldOut: counts.get(`${identifier} true`) ?? { planted: 0, found: 0 },
      spans: spans.get(identifier)?.all ?? 0,
      right: spans.get(identifier)?.right ?? 0,
    }))
}

/** Of the notes that have something planted in them, the share in which none of it is left. */
export function cleanShare(notes: readonly Note[], detectors: TextDetectors): number {
  const planted = notes.filter((note) => note.planted.length > 0)
  const clean = planted.filter((note) => {
    const found = mergeSpans(detectors.find(note.text))
    return note.planted.every((one) => isCovered(note.text, one, found))
  })
  return clean.length / planted.length
}

function entry<Value>(map: Map<string, Value>, key: string, first: Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  map.set(key, first)
  return first
}

/** Whether no letter or digit of a planted identifier is left. */
function isCovered(text: string, { start, end }: Planted, spans: readonly Span[]): boolean {
  for (let at = start; at < end; at += 1) {
    const isSign = /[\p{L}\p{N}]/u.test(text.charAt(at))
    if (isSign && !spans.some((span) => span.start <= at && at < span.end)) return false
  }
  return true
}

function rowOf(subject: Subject): KnownValues {
  const row = new KnownValues(100, 'row')
  row.add('name', subject.firstName)
  row.add('name', subject.lastName)
  row.add('address', subject.street)
  row.add('phone', subject.phone)
  row.add('email', subject.email)
  row.add('ssn', subject.ssn)
  row.add('mrn', subject.mrn)
  return row
}
