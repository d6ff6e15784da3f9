import { z } from 'zod'
import { NOT_PHI, PHI_CLASSES } from '../phi/classes.ts'
import { PACKS } from '../phi/packs.ts'
import { TRUNCATIONS } from '../phi/transform-names.ts'
import { PREDICATE_POLICIES } from './config.ts'
import { duration, size } from './quantities.ts'
import { detectorsSchema } from './schema-detectors.ts'
import { keyReference, shortName } from './schema-parts.ts'

/** `none` says: reviewed, no PHI. */
const labelClass = z.enum([...PHI_CLASSES, NOT_PHI])

/** YAML reads a bare `null` as no value; here it is the name of a transform. Which names there are, `check-phi.ts` knows. */
const transform = z.preprocess((value) => (value === null ? 'null' : value), z.string())

const member = z.union([
  labelClass,
  z.strictObject({
    class: labelClass,
    transform: transform.optional().describe('Instead of what the class has.'),
  }),
])

const label = z.union([
  labelClass,
  z.strictObject({
    class: labelClass,
    transform: transform.optional().describe('Instead of what the class has.'),
    members: z
      .record(z.string(), member)
      .optional()
      .describe('Of a json or jsonb column: path of names, like name.family → class. Arrays are passed through.'),
    others: z
      .enum(['mask', 'pass'])
      .optional()
      .describe('What happens to members that are not listed. Default: mask, as the column.'),
  }),
])

/** Which keys go together, `check-phi.ts` knows. */
const customTransform = z.strictObject({
  constant: z.string().max(200).optional().describe('Text in place of the value.'),
  keepFirst: z.int().min(0).max(20).optional().describe('Characters kept at the beginning of a text.'),
  keepLast: z.int().min(0).max(20).optional().describe('Characters kept at its end.'),
  fill: z.string().min(1).max(20).optional().describe('What stands for the rest. Default: ****.'),
  truncate: z.enum(TRUNCATIONS).optional().describe('Dates keep this much.'),
  round: z.int().min(2).max(1_000_000_000).optional().describe('Numbers go to the nearest multiple.'),
})

const tokens = z
  .strictObject({
    key: keyReference
      .optional()
      .describe('Key that the stored values are encrypted under: 32 bytes in base64. Default: <state>/token.key.'),
    previousKeys: z.array(keyReference).default([]).describe('Keys that stored values may still be encrypted under.'),
    lifetime: duration('90d', '1h', '3650d', 'From the issue of a token to its end.'),
    cacheSize: size('64MiB', '1MiB', '16GiB', 'Memory for tokens and their values.'),
  })
  .prefault({})

const predicatePolicy = z.enum(PREDICATE_POLICIES)

/** From fewer numbers the mean and the deviation together often give the numbers. */
const MINIMUM_GROUP_SIZE = 5

export const phiSchema = z
  .strictObject({
    pack: z.enum(PACKS).default(PACKS[0]).describe('The transform of each class.'),
    classes: z
      .partialRecord(z.enum(PHI_CLASSES), z.strictObject({ transform }))
      .default({})
      .describe('Class → its transform instead of that of the pack.'),
    transforms: z
      .record(shortName, customTransform)
      .default({})
      .describe('Transforms of your own, by name. None of them is Safe Harbor.'),
    pseudonymKey: keyReference.optional().describe('Where the key of the transform pseudonym is: 32 bytes in base64.'),
    previousPseudonymKeys: z
      .array(keyReference)
      .default([])
      .describe('Keys whose pseudonyms are still understood when a client sends them.'),
    tokens,
    detectors: detectorsSchema.describe('What the transform detect looks for.'),
    predicates: z
      .strictObject({
        default: predicatePolicy.default('released-granularity').describe('For classes that are not listed.'),
        classes: z.partialRecord(z.enum(PHI_CLASSES), predicatePolicy).default({}),
      })
      .prefault({})
      .describe('What becomes of conditions, orders, groupings and computations over PHI.'),
    minimumGroupSize: z
      .int()
      .min(MINIMUM_GROUP_SIZE)
      .max(1_000_000)
      .optional()
      .describe('How many different values a sum or mean over an age or a date must be made from to be shown.'),
    trustedFunctions: z
      .record(z.string(), z.array(z.string()))
      .default({})
      .describe('Target → functions, as schema.name, that have no effect and return what they are given at most.'),
    labels: z
      .record(z.string(), z.record(z.string(), label))
      .default({})
      .describe('Target → column → class. schema.table.column, schema.table.* or schema.*; the most specific wins.'),
    patients: z
      .record(z.string(), z.array(z.string()).min(1))
      .default({})
      .describe(
        'Target → columns (schema.table.column) with the key of a patient, that of the patients themselves first.',
      ),
  })
  .prefault({})
