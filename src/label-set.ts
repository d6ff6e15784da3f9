import type { LabelConfig, MemberConfig, PhiConfig } from './config/config.ts'
import { NOT_PHI, PHI_CLASSES, type PhiClass } from './phi/classes.ts'
import { type DocumentNode, documentTree } from './phi/document.ts'
import { compileLabels, type Label, type LabelSet } from './phi/labels.ts'
import { packTransform } from './phi/packs.ts'
import { createPseudonyms } from './phi/pseudonyms.ts'
import { type Transform, TRANSFORMS } from './phi/transform-names.ts'

type PhiSettings = Pick<PhiConfig, 'pack' | 'classes' | 'transforms' | 'labels'>

/**
 * The labels of one target as the phi room wants them; the configuration has checked the names. What is kept counts as
 * reviewed. `pseudonymKey` is there whenever the configuration is valid and a label needs it.
 */
export function labelSetOf(phi: PhiSettings, target: string, pseudonymKey: Buffer | undefined): LabelSet {
  const compiler = new LabelCompiler(phi, target, pseudonymKey)
  return compileLabels(
    (phi.labels[target] ?? []).map((label) => ({ pattern: label.key, label: compiler.columnLabel(label) })),
  )
}

/** Makes every transform once, so that equal labels are equal objects. */
class LabelCompiler {
  readonly #phi: PhiSettings
  readonly #target: string
  readonly #key: Buffer | undefined
  readonly #pseudonyms = new Map<PhiClass, Transform>()

  constructor(phi: PhiSettings, target: string, key: Buffer | undefined) {
    this.#phi = phi
    this.#target = target
    this.#key = key
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
    return name === 'keep' ? NOT_PHI : { class: phiClass, transform: this.#transform(name, phiClass) }
  }

  #transform(name: string, phiClass: PhiClass): Transform {
    if (name === 'pseudonym') return this.#pseudonym(phiClass)
    return this.#phi.transforms[name] ?? TRANSFORMS.find((known) => known === name) ?? 'redact'
  }

  #pseudonym(phiClass: PhiClass): Transform {
    let transform = this.#pseudonyms.get(phiClass)
    if (transform === undefined) {
      // Without a key nothing can be told apart; whoever only looks up labels needs none.
      transform =
        this.#key === undefined
          ? 'redact'
          : { kind: 'pseudonym', pseudonyms: createPseudonyms(this.#key, this.#target, phiClass) }
      this.#pseudonyms.set(phiClass, transform)
    }
    return transform
  }
}
