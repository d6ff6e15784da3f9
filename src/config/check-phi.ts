import { NOT_PHI, PHI_CLASSES } from '../phi/classes.ts'
import { parseLabelPattern } from '../phi/label-pattern.ts'
import { parseMemberPath } from '../phi/member-path.ts'
import { TRANSFORM_NAMES } from '../phi/transform-names.ts'
import { type CheckContext, items, mapping, text } from './check-context.ts'
import { checkDetectors } from './check-detectors.ts'
import { checkKey, checkKeys } from './check-keys.ts'
import type { Path } from './problem.ts'
import { MAKE_A_KEY } from './secret-key.ts'
import { suggestion } from './suggestion.ts'
import type { Data } from './yaml-document.ts'

export function checkPhi(context: CheckContext): void {
  const phi = mapping(mapping(context.data)['phi'])
  const names = [...TRANSFORM_NAMES, ...Object.keys(mapping(phi['transforms']))]
  const uses = new TransformUses(context, names)
  checkTransforms(context, phi['transforms'])
  for (const [name, value] of Object.entries(mapping(phi['classes']))) {
    uses.check(['phi', 'classes', name, 'transform'], mapping(value)['transform'])
  }
  for (const [target, labels] of Object.entries(mapping(phi['labels']))) {
    checkTargetName(context, ['phi', 'labels', target])
    checkLabels(context, ['phi', 'labels', target], labels, uses)
  }
  for (const [target, functions] of Object.entries(mapping(phi['trustedFunctions']))) {
    checkTargetName(context, ['phi', 'trustedFunctions', target])
    checkFunctions(context, ['phi', 'trustedFunctions', target], functions)
  }
  checkPseudonyms(context, phi, uses)
  checkTokens(context, phi['tokens'], uses)
  checkDetectors(context, phi['detectors'])
  checkDetection(context, phi['detectors'], uses)
}

function checkTargetName(context: CheckContext, path: Path): void {
  const targets = Object.keys(mapping(mapping(context.data)['targets']))
  const name = String(path.at(-1))
  if (!targets.includes(name)) context.report(path, `there is no such target.${suggestion(name, targets)}`, 'key')
}

/** Whether the transforms that are named exist, and where each is used first. */
class TransformUses {
  readonly #context: CheckContext
  readonly #names: readonly string[]
  readonly #first = new Map<string, Path>()

  constructor(context: CheckContext, names: readonly string[]) {
    this.#context = context
    this.#names = names
  }

  first(name: string): Path | undefined {
    return this.#first.get(name)
  }

  check(path: Path, value: Data): void {
    const name = value === null ? 'null' : text(value)
    if (name === undefined) return
    if (!this.#first.has(name)) this.#first.set(name, path)
    if (this.#names.includes(name)) return
    const hint = suggestion(name, this.#names)
    this.#context.report(path, `there is no such transform.${hint || ` There are: ${this.#names.join(', ')}.`}`)
  }
}

function checkLabels(context: CheckContext, path: Path, labels: Data, uses: TransformUses): void {
  const seen = new Set<string>()
  for (const [key, label] of Object.entries(mapping(labels))) {
    const pattern = parseLabelPattern(key)
    if (pattern === undefined) {
      context.report([...path, key], 'must be schema.table.column, schema.table.* or schema.*.', 'key')
      continue
    }
    const id = JSON.stringify(pattern)
    if (seen.has(id)) context.report([...path, key], 'this column is labelled twice.', 'key')
    seen.add(id)
    checkLabel(context, [...path, key], label, uses)
    checkDocument(context, [...path, key], label, pattern.column !== null, uses)
  }
}

function checkLabel(context: CheckContext, path: Path, label: Data, uses: TransformUses): void {
  const { class: phiClass, transform } = mapping(label)
  if (phiClass === NOT_PHI && transform !== undefined) {
    context.report([...path, 'transform'], 'cannot take effect: the class is none.', 'key')
  } else uses.check([...path, 'transform'], transform)
}

function checkDocument(context: CheckContext, path: Path, label: Data, oneColumn: boolean, uses: TransformUses): void {
  const { class: phiClass, members, others } = mapping(label)
  if (members === undefined) {
    if (others !== undefined) context.report([...path, 'others'], 'cannot take effect without "members".', 'key')
    return
  }
  if (!oneColumn) context.report([...path, 'members'], 'must be on a column: schema.table.column.', 'key')
  if (phiClass === NOT_PHI) {
    const message = 'cannot take effect: the class is none. Use free-text, with "others: pass" for what is not listed.'
    context.report([...path, 'members'], message, 'key')
  }
  const entries = Object.entries(mapping(members))
  if (typeof members === 'object' && entries.length === 0) {
    context.report([...path, 'members'], 'must not be empty.', 'key')
  }
  const seen = new Set<string>()
  for (const [key, member] of entries) {
    const at = [...path, 'members', key]
    const id = JSON.stringify(parseMemberPath(key))
    if (id === undefined) {
      context.report(at, 'must be names of members between dots, like name.family.', 'key')
      continue
    }
    if (seen.has(id)) context.report(at, 'this member is labelled twice.', 'key')
    seen.add(id)
    checkLabel(context, at, member, uses)
  }
}

const WAYS = ['constant', 'keepFirst', 'keepLast', 'truncate', 'round'] as const

function checkTransforms(context: CheckContext, transforms: Data): void {
  for (const [name, value] of Object.entries(mapping(transforms))) {
    const path = ['phi', 'transforms', name]
    if (TRANSFORM_NAMES.some((known) => known === name) || PHI_CLASSES.some((known) => known === name)) {
      context.report(path, 'this name is taken by a transform or a class.', 'key')
    }
    if (typeof value !== 'object') continue
    const transform = mapping(value)
    const ways = WAYS.filter((way) => transform[way] !== undefined)
    const ends = ways.every((way) => way === 'keepFirst' || way === 'keepLast')
    if (ways.length === 0 || (ways.length > 1 && !ends)) {
      const message = 'needs exactly one of "constant", "keepFirst" and/or "keepLast", "truncate" and "round".'
      context.report(path, message, 'key')
    } else if (ends && (transform['keepFirst'] ?? 0) === 0 && (transform['keepLast'] ?? 0) === 0) {
      context.report(path, 'keeps nothing: use "constant" or the transform redact.', 'key')
    }
    if (transform['fill'] !== undefined && !(ways.length > 0 && ends)) {
      context.report([...path, 'fill'], 'cannot take effect without "keepFirst" or "keepLast".', 'key')
    }
  }
}

/** A function is known by `schema.name` in the facts of a statement, so neither name may hold a dot. */
function checkFunctions(context: CheckContext, path: Path, functions: Data): void {
  const seen = new Set<string>()
  for (const [index, value] of items(functions).entries()) {
    const name = text(value)
    if (name === undefined) continue
    if (!/^[^."*\s]+\.[^."*\s]+$/u.test(name)) context.report([...path, index], 'must be schema.name.')
    else if (/^(?:pg_|information_schema\.)/u.test(name)) {
      context.report([...path, index], 'cannot take effect: built-in functions are judged one by one.')
    }
    if (seen.has(name)) context.report([...path, index], 'is there twice.')
    seen.add(name)
  }
}

function checkPseudonyms(context: CheckContext, phi: Readonly<Record<string, Data>>, uses: TransformUses): void {
  const first = uses.first('pseudonym')
  const { pseudonymKey, previousPseudonymKeys } = phi
  checkKey(context, ['phi', 'pseudonymKey'], pseudonymKey)
  checkKeys(context, ['phi', 'previousPseudonymKeys'], previousPseudonymKeys)
  if (first === undefined) {
    for (const name of ['pseudonymKey', 'previousPseudonymKeys']) {
      if (phi[name] !== undefined) cannotTakeEffect(context, ['phi', name], 'pseudonym')
    }
  } else if (pseudonymKey === undefined) {
    const message = `pseudonym needs "phi.pseudonymKey", for example { file: pseudonym.key } made with: ${MAKE_A_KEY}`
    context.report(first, message)
  }
}

function checkTokens(context: CheckContext, value: Data, uses: TransformUses): void {
  const path = ['phi', 'tokens']
  const { key, previousKeys } = mapping(value)
  checkKey(context, [...path, 'key'], key)
  checkKeys(context, [...path, 'previousKeys'], previousKeys)
  if (uses.first('token') !== undefined) return
  if (value !== undefined) cannotTakeEffect(context, path, 'token')
  checkStoreUse(context)
  for (const [index, grant] of items(mapping(context.data)['grants']).entries()) {
    if (mapping(grant)['tokenScope'] !== undefined) {
      cannotTakeEffect(context, ['grants', index, 'tokenScope'], 'token')
    }
  }
}

/** The store of another server keeps revocations in any case. */
function checkStoreUse(context: CheckContext): void {
  const root = mapping(context.data)
  if (root['store'] === undefined || mapping(root['store'])['url'] !== undefined) return
  const sections = ['approvals', 'delegation', 'alerts'].some((name) => root[name] !== undefined)
  const budgets = items(root['grants']).some((grant) => {
    const { run, hour } = mapping(mapping(grant)['budgets'])
    return run !== undefined || hour !== undefined
  })
  if (sections || budgets) return
  const message =
    'cannot take effect: no label and no class uses the transform token, and no approvals, delegation, alerts or budgets do.'
  context.report(['store'], message, 'key')
}

function checkDetection(context: CheckContext, value: Data, uses: TransformUses): void {
  if (value === undefined || uses.first('detect') !== undefined) return
  const targets = Object.values(mapping(mapping(context.data)['targets']))
  if (targets.some((target) => mapping(target)['unlabelledColumns'] === 'detect')) return
  cannotTakeEffect(context, ['phi', 'detectors'], 'detect')
}

function cannotTakeEffect(context: CheckContext, path: Path, transform: string): void {
  const message = `cannot take effect: no label and no class uses the transform ${transform}.`
  context.report(path, message, 'key')
}
