import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PHI_CLASSES } from '../phi/classes.ts'
import { BUILTIN_DETECTOR_IDS } from '../phi/detect/builtin-detectors.ts'
import { PACKS } from '../phi/packs.ts'
import { TRANSFORM_NAMES, TRUNCATIONS } from '../phi/transform-names.ts'
import { PREDICATE_POLICIES, TARGET_RISKS } from './config.ts'
import { configJsonSchema } from './json-schema.ts'

/** Every property name that a schema mentions, at any depth. */
function propertyNames(schema: unknown): readonly string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => {
    const own = key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []
    return [...own, ...propertyNames(value)]
  })
}

it('describes the whole file, and allows no unknown key', () => {
  const schema = configJsonSchema()
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
  expect(Object.keys(schema['properties'] ?? {})).toEqual([
    'version',
    'listen',
    'admin',
    'state',
    'journal',
    'store',
    'issuers',
    'targets',
    'phi',
    'grants',
    'rules',
    'packs',
    'policy',
    'delegation',
    'approvals',
    'alerts',
  ])
  expect(schema['required']).toEqual(['version', 'listen', 'journal', 'issuers', 'targets', 'grants'])
})

it('is documented: docs/configuration.md names every key, and every value that there are few of', () => {
  const text = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
  const values = [
    PHI_CLASSES,
    PACKS,
    TRANSFORM_NAMES,
    TRUNCATIONS,
    PREDICATE_POLICIES,
    TARGET_RISKS,
    BUILTIN_DETECTOR_IDS,
  ].flat()
  const names = [...propertyNames(configJsonSchema()), ...values]
  const missing = new Set(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text)))
  expect([...missing]).toEqual([])
})
