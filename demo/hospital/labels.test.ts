import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { NOT_PHI, PHI_CLASSES } from '../../src/phi/classes.ts'
import { demoLabels } from './labels.ts'

describe('demoLabels', () => {
  const labels: unknown = parse(demoLabels())

  it('is a YAML mapping from columns to classes that exist', () => {
    const classes: readonly string[] = [...PHI_CLASSES, NOT_PHI]
    const entries = Object.entries(labels ?? {})
    expect(entries.length).toBeGreaterThan(60)
    for (const [column, label] of entries) {
      expect(column).toMatch(/^hospital\.\w+\.\w+$/)
      expect(classes).toContain(label)
    }
  })

  it('labels what identifies a patient, and a view that shows nobody', () => {
    expect(labels).toMatchObject({
      'hospital.patients.ssn': 'ssn',
      'hospital.patients.zip': 'zip',
      'hospital.notes.body': 'free-text',
      'hospital.insurance.member_id': 'health-plan',
      'hospital.monthly_encounters.encounters': 'none',
      'hospital.conditions.code': 'none',
    })
    expect(labels).not.toHaveProperty(['hospital.patient_directory.full_name'])
  })
})
