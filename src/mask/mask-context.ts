import { PHI_CLASSES } from '../phi/classes.ts'
import type { KnownValues } from '../phi/detect/known-values.ts'
import type { TargetPhi } from '../phi/target-phi.ts'
import type { StandIns } from '../phi/tokens/stand-ins.ts'
import type { TypeLookup } from '../phi/value-form.ts'

/** What every masker of one plan is made from. */
export interface MaskContext {
  readonly phi: TargetPhi
  /** Whether the principal may see a class. */
  readonly clears: (phiClass: string) => boolean
  /** Of the common era. */
  readonly currentYear: number
  readonly typeOf: TypeLookup | undefined
  /** Undefined where nobody can fetch anything: then what would be a token is redacted. */
  readonly standIns?: StandIns | undefined
  /** Values that are masked in the same row or session, for whoever searches texts. */
  readonly known?: readonly KnownValues[] | undefined
  /** Takes down the classes that are masked; 'unproven' where nothing is known. */
  readonly masked: Set<string>
}

export const UNPROVEN = 'unproven'

const KNOWN: ReadonlySet<string> = new Set(PHI_CLASSES)

/** Whether a value computed from these classes may be seen: all of them are known and cleared. None means that they are not known. */
export function clearsAll(classes: readonly string[], { clears }: MaskContext): boolean {
  return classes.length > 0 && classes.every((phiClass) => KNOWN.has(phiClass) && clears(phiClass))
}

/** Takes down what a value computed from these classes is masked for. */
export function noteClasses(classes: readonly string[], { clears, masked }: MaskContext): void {
  if (classes.length === 0) masked.add(UNPROVEN)
  for (const phiClass of classes) {
    if (!KNOWN.has(phiClass)) masked.add(UNPROVEN)
    else if (!clears(phiClass)) masked.add(phiClass)
  }
}
