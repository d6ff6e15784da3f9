import { PHI_CLASSES } from '../phi/classes.ts'
import { followsSafeHarbor, PACKS, packTransform } from '../phi/packs.ts'
import type { Config, Position } from './config.ts'

/** Something that is as the operator wants it, and that a reader of the masked data has to know. */
export interface Notice extends Position {
  readonly message: string
}

const EXAMPLES = 5

/** What a valid configuration releases beyond its strictest form, and what has run out. For the command `check`. */
export function notices(config: Config, now: number): readonly Notice[] {
  return [
    ...ofPack(config),
    ...ofTransforms(config),
    ...ofDocuments(config),
    ...ofDetectors(config),
    ...ofPredicates(config),
    ...ofGroups(config),
    ...ofFunctions(config),
    ...ofTargets(config),
    ...ofGrants(config, now),
    ...ofApprovals(config),
  ]
}

function ofPack(config: Config): readonly Notice[] {
  const { phi } = config
  if (phi.pack === PACKS[0]) return []
  const kept = PHI_CLASSES.filter((phiClass) => packTransform(phi.pack, phiClass) === 'keep').join(' and ')
  const message =
    `the pack ${phi.pack} is not de-identification: ${kept} pass unmasked. What is shown remains PHI ` +
    '(45 CFR 164.502(b)); Safe Harbor is the pack hipaa-safe-harbor (164.514(b)(2))'
  return [{ message, ...config.positionOf(['phi', 'pack']) }]
}

/** Labels and classes whose transform tells more than the Safe Harbor one. */
function ofTransforms(config: Config): readonly Notice[] {
  const { phi } = config
  const found: Found[] = []
  const look = (what: string, path: readonly string[], phiClass: string, transform: string | undefined) => {
    if (transform === undefined || followsSafeHarbor(phiClass, transform)) return
    found.push({ what: `${what} (${transform})`, path })
  }
  for (const [phiClass, transform] of Object.entries(phi.classes)) {
    look(`the class ${phiClass}`, ['phi', 'classes', phiClass], phiClass, transform)
  }
  for (const [target, labels] of Object.entries(phi.labels)) {
    for (const label of labels) {
      const path = ['phi', 'labels', target, label.key]
      look(label.key, path, label.class, label.transform)
      for (const { key, class: phiClass, transform } of label.document?.members ?? []) {
        look(`${key} in ${label.key}`, [...path, 'members', key], phiClass, transform)
      }
    }
  }
  return summary(config, 'transform(s) are not Safe Harbor', found)
}

/** Documents change with the software that writes them: a member that nobody has thought of may come in. */
function ofDocuments(config: Config): readonly Notice[] {
  const found = Object.entries(config.phi.labels).flatMap(([target, labels]) =>
    labels
      .filter(({ document }) => document?.others === 'pass')
      .map(({ key }) => ({ what: key, path: ['phi', 'labels', target, key, 'others'] })),
  )
  return summary(config, 'document(s) pass the members that are not listed', found)
}

/** Detectors are a backstop: what they miss passes. */
function ofDetectors(config: Config): readonly Notice[] {
  const { phi } = config
  const single = Object.entries(phi.labels).flatMap(([target, labels]) =>
    labels
      .filter((label) => label.transform === 'detect' && label.class !== 'free-text')
      .map(({ key }) => ({ what: key, path: ['phi', 'labels', target, key] })),
  )
  const { http, knownValues } = phi.detectors
  const notice = (path: readonly string[], message: string) => ({ message, ...config.positionOf(path) })
  return [
    ...summary(config, 'label(s) other than free-text show what the detectors do not find', single),
    ...Object.values(config.targets)
      .filter(({ unlabelledColumns }) => unlabelledColumns === 'detect')
      .map(({ name }) =>
        notice(
          ['targets', name, 'unlabelledColumns'],
          `target ${name}: texts and documents without a label pass but for what the detectors find, which is not all (docs/detectors.md)`,
        ),
      ),
    ...(http === undefined
      ? []
      : [notice(['phi', 'detectors', 'http'], `texts with PHI are sent to the detector ${new URL(http.url).host}`)]),
    ...(knownValues === 'session'
      ? [
          notice(
            ['phi', 'detectors', 'knownValues'],
            'knownValues session: whether a text is masked tells whether a value was among those masked before',
          ),
        ]
      : []),
  ]
}

interface Found {
  readonly what: string
  readonly path: readonly (string | number)[]
}

function summary(config: Config, problem: string, found: readonly Found[]): readonly Notice[] {
  const [first] = found
  if (first === undefined) return []
  const examples = found.slice(0, EXAMPLES).map(({ what }) => what)
  const message = `${found.length} ${problem}: ${examples.join(', ')}${found.length > EXAMPLES ? ', …' : ''}`
  return [{ message, ...config.positionOf(first.path) }]
}

function ofPredicates(config: Config): readonly Notice[] {
  const { default: fallback, classes } = config.phi.predicates
  const open = Object.entries(classes).flatMap(([phiClass, policy]) => (policy === 'allow' ? [phiClass] : []))
  const what = fallback === 'allow' ? 'every class that is not listed' : open.join(', ')
  if (what === '') return []
  const message = `phi.predicates allows any condition over ${what}: masked values can be found out by asking`
  return [{ message, ...config.positionOf(['phi', 'predicates']) }]
}

function ofGroups(config: Config): readonly Notice[] {
  const { minimumGroupSize } = config.phi
  if (minimumGroupSize === undefined) return []
  const message =
    `phi.minimumGroupSize shows sums and means of ages and dates over ${minimumGroupSize} different values or more: ` +
    'the difference between two overlapping groups tells single values'
  return [{ message, ...config.positionOf(['phi', 'minimumGroupSize']) }]
}

function ofFunctions(config: Config): readonly Notice[] {
  const found = Object.entries(config.phi.trustedFunctions).flatMap(([target, names]) =>
    names.map((name, index) => ({
      what: `${name} in ${target}`,
      path: ['phi', 'trustedFunctions', target, index],
    })),
  )
  return summary(config, 'function(s) are trusted without being looked into', found)
}

function ofTargets(config: Config): readonly Notice[] {
  return Object.values(config.targets)
    .filter(({ catalogCheck }) => catalogCheck === 'bounded')
    .map(({ name, catalogRefresh }) => {
      const message =
        `target ${name}: catalogCheck is bounded: for up to ${catalogRefresh / 1000} s after somebody else has changed ` +
        'the schema, masking goes by the schema as it was'
      return { message, ...config.positionOf(['targets', name, 'catalogCheck']) }
    })
}

function ofGrants(config: Config, now: number): readonly Notice[] {
  const found = config.grants.flatMap(({ name, expires }, index) =>
    expires !== undefined && expires <= now ? [{ what: name, path: ['grants', index, 'expires'] }] : [],
  )
  return summary(config, 'grant(s) have expired', found)
}

function ofApprovals(config: Config): readonly Notice[] {
  const { approvals } = config
  if (approvals?.stepUp !== 'tokenOnlyWithoutPasskey') return []
  const message =
    'approvals.stepUp tokenOnlyWithoutPasskey: whoever has the token of an approver can decide in their name'
  return [{ message, ...config.positionOf(['approvals', 'stepUp']) }]
}
