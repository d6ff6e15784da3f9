/** Which PHI flows into something. Absent (null) where there is none. */
export interface Taint {
  /** Classes of the labels; empty when they are not known, which counts as all. */
  readonly classes: ReadonlySet<string>
  /** `schema.table.column` of the stored columns, as far as they are known. */
  readonly columns: ReadonlySet<string>
}

const UNKNOWN: Taint = { classes: new Set(), columns: new Set() }

/** What flows in from several places. A place whose classes are not known makes all of them unknown. */
export function joined(taints: readonly Taint[]): Taint {
  const [first, ...others] = taints
  if (first === undefined) return UNKNOWN
  if (others.every((other) => other === first)) return first
  const unknown = taints.some(({ classes }) => classes.size === 0)
  return {
    classes: new Set(unknown ? [] : taints.flatMap(({ classes }) => [...classes])),
    columns: new Set(taints.flatMap(({ columns }) => [...columns])),
  }
}

/** The PHI of all that have some. */
export function either(...taints: readonly (Taint | null)[]): Taint | null {
  const present = taints.filter((taint) => taint !== null)
  return present.length === 0 ? null : joined(present)
}

/** Whether `inner` says nothing that `outer` does not say already. */
export function covers(outer: Taint, inner: Taint): boolean {
  return coversClasses(outer, inner) && [...inner.columns].every((column) => outer.columns.has(column))
}

/** The same for classes alone, which decide about masking. */
export function coversClasses(outer: Taint, inner: Taint): boolean {
  if (outer.classes.size === 0) return true
  return inner.classes.size > 0 && [...inner.classes].every((name) => outer.classes.has(name))
}
