import type { CatalogCheck, PatientKeyConfig } from '../config/config.ts'
import type { Catalog, PhiView } from '../inspect/sql/catalog.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { patientKeysOf } from '../inspect/sql/patients/patient-keys.ts'
import { buildPhiView } from '../inspect/sql/flow/phi-view.ts'
import type { Clock } from '../lib/clock.ts'
import type { Label, LabelSet } from '../phi/labels.ts'
import { resolveTargetPhi, type TargetPhi } from '../phi/target-phi.ts'
import type { LookedUpType } from '../phi/value-form.ts'
import { analysisLabels, boundaryLabels } from './analysis-labels.ts'

/** One reading of a target's catalog with everything derived from it. Replaced whole, never changed. */
export interface TargetSnapshot {
  readonly catalog: Catalog
  readonly view: PhiView
  readonly phi: TargetPhi
  /** Names that exist in the catalog and may therefore be shown to a masked client. */
  readonly names: ReadonlySet<string>
  readonly typeOf: (oid: number) => LookedUpType | undefined
  /** Of the common era, UTC: which years of birth tell an age over 89 depends on it. */
  readonly year: number
}

export interface TargetStateOptions {
  readonly target: string
  readonly labels: LabelSet
  /** A label: that of unlabelled texts and documents; all else is masked. */
  readonly unlabelledColumns: 'mask' | 'pass' | Label
  /** As `schema.name`. */
  readonly trustedFunctions: readonly string[]
  /** Columns that hold the key of a patient. */
  readonly patientKeys: readonly PatientKeyConfig[]
  readonly catalogCheck: CatalogCheck
  readonly inspector: SqlInspector
  readonly clock: Clock
  /** Reads the catalog over a connection of the gateway's own. */
  readonly load: () => Promise<Catalog>
}

/** How long changes are gathered before the catalog is read again for those who do not wait for it. */
const SOON_MS = 250

/** What the gateway knows of one target; shared by its sessions. */
export class TargetState {
  readonly #options: TargetStateOptions
  #snapshot: TargetSnapshot | undefined
  #loading: Promise<TargetSnapshot> | undefined
  /** Counts the readings that were asked for; `#read` is the newest one that there is an answer to. */
  #asked = 1
  #read = 0
  /** No reading before this counts, because one failed since. */
  #needed = 0
  #soon: NodeJS.Timeout | undefined

  constructor(options: TargetStateOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.target
  }

  get catalogCheck(): CatalogCheck {
    return this.#options.catalogCheck
  }

  /** Names the present: `snapshotSince` it is not older than now. */
  /** Whether columns are known to hold keys of patients. */
  get hasPatientKeys(): boolean {
    return this.#options.patientKeys.length > 0
  }

  get now(): number {
    return this.#asked
  }

  /** A snapshot that was read at this time or later; undefined when there is none yet, and `refresh` has to be waited for. */
  snapshotSince(time: number): TargetSnapshot | undefined {
    if (this.#read < Math.max(time, this.#needed) || this.#snapshot === undefined) return undefined
    // What years may be told changes at New Year, though the catalog does not.
    if (this.#snapshot.year !== this.#year()) this.#snapshot = this.#derive(this.#snapshot.catalog)
    return this.#snapshot
  }

  /** The newest snapshot, stale or not: labels go by object id and column number, so an old one masks too much at worst. */
  get latest(): TargetSnapshot | undefined {
    return this.#snapshot
  }

  /** The next use waits for a fresh reading. */
  invalidate(): void {
    this.#asked++
  }

  /** Reads the catalog now, one reading at a time. Rejects when the target cannot be reached. */
  refresh(): Promise<TargetSnapshot> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  /**
   * Has the catalog read again in the background, once for all changes that come until then. Where statements are not bound to the
   * catalog by themselves, at once.
   */
  refreshSoon(): void {
    if (this.#soon !== undefined) return
    const delay = this.#options.catalogCheck === 'strict' ? SOON_MS : 0
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      // Where it fails, the next use tries again, and tells.
      this.refresh().catch(() => undefined)
    }, delay).unref()
  }

  async #load(): Promise<TargetSnapshot> {
    // Noted before reading: a change that happens meanwhile asks for another one.
    const reading = this.#asked
    try {
      const catalog = await this.#options.load()
      const known = this.#snapshot
      const stands = known?.catalog.epoch === catalog.epoch && known.year === this.#year()
      const snapshot = stands ? known : this.#derive(catalog)
      this.#snapshot = snapshot
      this.#read = reading
      return snapshot
    } catch (error) {
      // Until a reading succeeds, nobody goes on with what may be out of date.
      this.invalidate()
      this.#needed = this.#asked
      throw error
    }
  }

  #year(): number {
    return new Date(this.#options.clock()).getUTCFullYear()
  }

  #derive(catalog: Catalog): TargetSnapshot {
    const { labels, unlabelledColumns, trustedFunctions, patientKeys, inspector, target } = this.#options
    const types = new Map<number, LookedUpType>(catalog.userTypes.map((type) => [type.oid, type]))
    const typeOf = (oid: number) => types.get(oid)
    const year = this.#year()
    const surroundings = { unlabelledColumns, year, typeOf }
    const trusted = new Set(trustedFunctions)
    const labelled = buildPhiView(catalog, { labelOf: analysisLabels(labels, surroundings), trustedFunctions: trusted })
    const view = { ...labelled, patientKeys: patientKeysOf(catalog.relations, patientKeys) }
    const boundary =
      typeof unlabelledColumns === 'string'
        ? view
        : buildPhiView(catalog, { labelOf: boundaryLabels(labels, surroundings), trustedFunctions: trusted })
    const names = new Set<string>()
    for (const relation of catalog.relations) {
      names.add(relation.schema).add(relation.name)
      for (const column of relation.columns) names.add(column.name)
    }
    for (const { schema, name } of catalog.userTypes) names.add(schema).add(name)
    for (const name of catalog.constraints ?? []) names.add(name)
    inspector.setCatalog(target, catalog, view)
    const { phiColumns } = boundary
    return Object.freeze({
      catalog,
      view,
      phi: resolveTargetPhi({ relations: catalog.relations, phiColumns, typeOf }, labels, unlabelledColumns),
      names,
      typeOf,
      year,
    })
  }
}
