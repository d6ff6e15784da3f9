import { z } from 'zod'
import { NOT_PHI, PHI_CLASSES } from '../phi/classes.ts'
import { TRANSFORMS } from '../phi/transform-names.ts'

/** `none` says: reviewed, no PHI. */
const labelClass = z.enum([...PHI_CLASSES, NOT_PHI])

/** YAML reads a bare `null` as no value; here it is the name of a transform. */
const transform = z.preprocess((value) => (value === null ? 'null' : value), z.enum(TRANSFORMS))

const label = z.union([
  labelClass,
  z.strictObject({
    class: labelClass,
    transform: transform.optional().describe('Instead of what the pack has for the class.'),
  }),
])

export const phiSchema = z
  .strictObject({
    pack: z.literal('hipaa-safe-harbor').default('hipaa-safe-harbor').describe('The transform of each class.'),
    labels: z
      .record(z.string(), z.record(z.string(), label))
      .default({})
      .describe('Target → column → class. schema.table.column, schema.table.* or schema.*; the most specific wins.'),
  })
  .prefault({})
