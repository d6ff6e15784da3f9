import { z } from 'zod'
import type { PhiClass } from '../phi/classes.ts'
import type { Span } from '../phi/detect/span.ts'
import { type EntityClasses, UNKNOWN_ENTITY } from './entities.ts'

const MAX_SPANS = 50_000

/** What the Presidio analyzer answers to POST /analyze. More members may be there and mean nothing here. */
const answerSchema = z
  .array(
    z.object({
      entity_type: z.string().min(1).max(200),
      // Python counts code points.
      start: z.int().min(0),
      end: z.int().min(0),
      score: z.number(),
    }),
  )
  .max(MAX_SPANS)

const SURROGATES = /[\ud800-\udfff]/

/** Reads an answer about a text; undefined when it is none. */
export function readAnswer(body: unknown, text: string, entities: EntityClasses): readonly Span[] | undefined {
  const parsed = answerSchema.safeParse(body)
  if (!parsed.success) return undefined
  const unitsAt = codePointPlaces(text)
  const spans: Span[] = []
  for (const { entity_type: type, start, end } of parsed.data) {
    const [from, to] = [unitsAt(start), unitsAt(end)]
    // Places that the text does not have belong to another text.
    if (from === undefined || to === undefined || from >= to) return undefined
    const phiClass = classOf(type, entities)
    if (phiClass !== 'none') spans.push({ start: from, end: to, class: phiClass, detector: 'http' })
  }
  return spans
}

function classOf(type: string, entities: EntityClasses): PhiClass | 'none' {
  return Object.hasOwn(entities, type) ? (entities[type] ?? UNKNOWN_ENTITY) : UNKNOWN_ENTITY
}

/** From places in code points to places in UTF-16 code units. */
function codePointPlaces(text: string): (place: number) => number | undefined {
  if (!SURROGATES.test(text)) return (place) => (place <= text.length ? place : undefined)
  const places: number[] = []
  let at = 0
  for (const character of text) {
    places.push(at)
    at += character.length
  }
  places.push(at)
  return (place) => places[place]
}
