import { z } from 'zod'
import type { Path } from './problem.ts'

/** The keys that a schema allows in the mapping at a path; empty where it allows any. */
export function allowedKeys(schema: z.core.$ZodType, path: Path): readonly string[] {
  let candidates = alternatives(schema)
  for (const step of path) candidates = candidates.flatMap((candidate) => stepInto(candidate, step))
  return candidates.flatMap((candidate) => {
    if (candidate instanceof z.ZodObject) return Object.keys(candidate.shape)
    if (candidate instanceof z.ZodRecord && candidate.keyType instanceof z.ZodEnum) {
      return candidate.keyType.options.map(String)
    }
    return []
  })
}

function stepInto(schema: z.core.$ZodType, step: string | number): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape
    const member = Object.hasOwn(shape, step) ? shape[step] : undefined
    return member === undefined ? [] : alternatives(member)
  }
  if (schema instanceof z.ZodRecord) return alternatives(schema.valueType)
  return schema instanceof z.ZodArray ? alternatives(schema.element) : []
}

/** A schema without its wrappers, and the members of a union one by one. */
function alternatives(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(alternatives)
  if (schema instanceof z.ZodPipe) return alternatives(schema.in)
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return alternatives(schema.unwrap())
  }
  return [schema]
}
