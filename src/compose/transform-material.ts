import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { readKey } from '../config/secret-key.ts'
import { compileDetectors } from '../phi/detect/text-detectors.ts'
import type { DetectTransform } from '../phi/transform-names.ts'
import type { TransformMaterial } from '../label-set.ts'

/** Keys and detectors of the transforms, one of each for the whole gateway. Throws CHP-CONFIG-INVALID. */
export function transformMaterial({ phi }: Config, environment: Environment): TransformMaterial {
  const { pseudonymKey, previousPseudonymKeys, detectors } = phi
  const { http, ...settings } = detectors
  const detect: DetectTransform = {
    kind: 'detect',
    detectors: compileDetectors({ ...settings, external: http !== undefined }),
  }
  if (pseudonymKey === undefined) return { detect }
  const current = readKey(pseudonymKey, 'phi.pseudonymKey', environment)
  const previous = previousPseudonymKeys.map((key, index) =>
    readKey(key, `phi.previousPseudonymKeys[${index}]`, environment),
  )
  return { detect, pseudonymKeys: [current, ...previous] }
}
