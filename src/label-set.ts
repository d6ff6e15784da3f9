import type { LabelConfig } from './config/config.ts'
import { PHI_CLASSES } from './phi/classes.ts'
import { compileLabels, defaultTransform, type LabelSet } from './phi/labels.ts'
import { TRANSFORMS } from './phi/transform-names.ts'

/** The labels of one target as the phi room wants them; the configuration has checked the names. */
export function labelSetOf(labels: readonly LabelConfig[]): LabelSet {
  return compileLabels(
    labels.map((label) => {
      const phiClass = PHI_CLASSES.find((name) => name === label.class)
      if (phiClass === undefined) return { pattern: label.key, label: 'none' }
      const transform = TRANSFORMS.find((name) => name === label.transform) ?? defaultTransform(phiClass)
      return { pattern: label.key, label: { class: phiClass, transform } }
    }),
  )
}
