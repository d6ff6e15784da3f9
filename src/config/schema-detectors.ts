import { z } from 'zod'
import { NOT_PHI, PHI_CLASSES } from '../phi/classes.ts'
import { BUILTIN_DETECTOR_IDS } from '../phi/detect/builtin-detectors.ts'
import { KNOWN_VALUES } from '../phi/detect/text-detectors.ts'
import { duration } from './quantities.ts'
import { filePath, keyReference, shortName } from './schema-parts.ts'

const MAX_PATTERNS = 50

const pattern = z.strictObject({
  name: shortName,
  class: z.enum(PHI_CLASSES),
  pattern: z.string().min(1).max(500).describe('A regular expression in the syntax of RE2.'),
  caseSensitive: z.boolean().default(false),
  check: z.enum(['luhn']).optional().describe('The digits must have this check digit.'),
})

const http = z.strictObject({
  url: z.string().describe('Where texts are sent, path included: https, or http to a loopback address.'),
  ca: filePath.optional().describe('PEM; the authorities of the runtime unless given.'),
  authorization: keyReference.optional().describe('Where the value of the Authorization header is.'),
  timeout: duration('5s', '100ms', '1m', 'For one request.'),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/, 'must be a language code like en')
    .default('en'),
  scoreThreshold: z.number().min(0).max(1).default(0.3).describe('Findings that are less certain are left out.'),
  concurrency: z.int().min(1).max(100).default(4).describe('Requests at the same time.'),
  maxTextLength: z.int().min(100).max(1_000_000).default(100_000).describe('Longer texts are redacted unasked.'),
  cacheSize: z.int().min(0).max(1_000_000).default(10_000).describe('Texts whose answers are kept.'),
  entities: z
    .record(
      z.string().regex(/^[A-Z0-9_]{1,64}$/, 'must be a type of entity like PERSON'),
      z.enum([...PHI_CLASSES, NOT_PHI]),
    )
    .default({})
    .describe('Type of entity → class, added to those that are known.'),
})

export const detectorsSchema = z
  .strictObject({
    builtin: z
      .union([z.literal('all'), z.array(z.enum(BUILTIN_DETECTOR_IDS))])
      .default('all')
      .describe('Which of the built-in detectors are used.'),
    patterns: z.array(pattern).max(MAX_PATTERNS).default([]).describe('Regular expressions of your own.'),
    knownValues: z
      .enum(KNOWN_VALUES)
      .default('row')
      .describe('Masked values that are looked for in texts: of the same row, or of the whole session.'),
    http: http.optional().describe('A service that finds identifiers, with the interface of the Presidio analyzer.'),
  })
  .prefault({})
