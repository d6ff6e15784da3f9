import type { LabelConfig, MemberConfig, PhiConfig } from './config/config.ts'
import { NOT_PHI, PHI_CLASSES, type PhiClass } from './phi/classes.ts'
import { type DocumentNode, documentTree } from './phi/document.ts'
import { compileLabels, type Label, type LabelSet } from './phi/labels.ts'
import { packTransform } from './phi/packs.ts'
import { createPseudonyms } from './phi/pseudonyms.ts'
import { type DetectTransform, type Transform, TRANSFORMS } from './phi/transform-names.ts'

type PhiSettings = Pick<PhiConfig, 'pack' | 'classes' | 'transforms' | 'labels'>

/** What transforms are made of besides their names. Who only looks up labels needs none of it: then such transforms redact. */
export interface TransformMaterial {
  /** The current key, then previous ones. */
  readonly pseudonymKeys?: readonly [Buffer, ...Buffer[]] | undefined
  readonly detect?: DetectTransform | undefined
}

/**
 * The labels of one target as the phi room wants them; the configuration has checked the names. What is kept counts as
 * reviewed.
 */
export function labelSetOf(phi: PhiSettings, target: string, material: TransformMaterial): LabelSet {
  const compiler = new LabelCompiler(phi, target, material)
  return compileLabels(
    (phi.labels[target] ?? []).map((label) => ({ pattern: label.key, label: compiler.columnLabel(label) })),
  )
}

/** What texts and documents without a label are masked as where a target says `unlabelledColumns: detect`. */
export const unlabelledTexts = ({ detect }: TransformMaterial): Label => ({
  class: 'free-text',
  transform: detect ?? 'redact',
})

/** Makes every transform and every label once: values may be stored from one column in another where labels are the same object. */
class LabelCompiler {
  readonly #phi: PhiSettings
  readonly #target: string
  readonly #material: TransformMaterial
  readonly #pseudonyms = new Map<PhiClass, Transform>()
  readonly #labels = new Map<PhiClass, Map<Transform, Label>>()

  constructor(phi: PhiSettings, target: string, material: TransformMaterial) {
    this.#phi = phi
    this.#target = target
    this.#material = material
  }

  columnLabel(config: LabelConfig): Label | typeof NOT_PHI {
    const label = this.#label(config)
    if (config.document === undefined) return label
    const { members, others } = config.document
    const rules = members.map((member) => ({ path: member.path, label: this.#label(member) }))
    const document: DocumentNode = documentTree(rules, others === 'pass' ? NOT_PHI : label)
    // A kept class is kept in the parts that are not listed; what does not fit the tree is masked all the same.
    const whole: Label = label === NOT_PHI ? { class: 'free-text', transform: 'redact' } : label
    return { ...whole, document }
  }

  #label(config: LabelConfig | MemberConfig): Label | typeof NOT_PHI {
    const phiClass = PHI_CLASSES.find((name) => name === config.class)
    if (phiClass === undefined) return NOT_PHI
    const name = config.transform ?? this.#phi.classes[phiClass] ?? packTransform(this.#phi.pack, phiClass)
    return name === 'keep' ? NOT_PHI : this.#labelOf(phiClass, this.#transform(name, phiClass))
  }

  #labelOf(phiClass: PhiClass, transform: Transform): Label {
    let ofClass = this.#labels.get(phiClass)
    if (ofClass === undefined) this.#labels.set(phiClass, (ofClass = new Map()))
    let label = ofClass.get(transform)
    if (label === undefined) ofClass.set(transform, (label = { class: phiClass, transform }))
    return label
  }

  #transform(name: string, phiClass: PhiClass): Transform {
    if (name === 'pseudonym') return this.#pseudonym(phiClass)
    if (name === 'detect') return this.#material.detect ?? 'redact'
    return this.#phi.transforms[name] ?? TRANSFORMS.find((known) => known === name) ?? 'redact'
  }

  #pseudonym(phiClass: PhiClass): Transform {
    let transform = this.#pseudonyms.get(phiClass)
    if (transform === undefined) {
      const keys = this.#material.pseudonymKeys
      transform =
        keys === undefined
          ? 'redact'
          : { kind: 'pseudonym', pseudonyms: createPseudonyms(keys, this.#target, phiClass) }
      this.#pseudonyms.set(phiClass, transform)
    }
    return transform
  }
}
