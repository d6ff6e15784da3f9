import type { Catalog, PhiView } from '../inspect/sql/catalog.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import { buildPhiView } from '../inspect/sql/flow/phi-view.ts'
import type { LabelSet } from '../phi/labels.ts'
import { resolveTargetPhi, type TargetPhi } from '../phi/target-phi.ts'

interface UserType {
  readonly kind: string
  readonly baseOid: number
  readonly name: string
}

/** One reading of a target's catalog with everything derived from it. Replaced whole, never changed. */
export interface TargetSnapshot {
  readonly catalog: Catalog
  readonly view: PhiView
  readonly phi: TargetPhi
  /** Names that exist in the catalog and may therefore be shown to a masked client. */
  readonly names: ReadonlySet<string>
  readonly typeOf: (oid: number) => UserType | undefined
}

export interface TargetStateOptions {
  readonly target: string
  readonly labels: LabelSet
  readonly unlabelledColumns: 'mask' | 'pass'
  readonly inspector: SqlInspector
  /** Reads the catalog over a connection of the gateway's own. */
  readonly load: () => Promise<Catalog>
}

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

  constructor(options: TargetStateOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.target
  }

  /** Names the present: `snapshotSince` it is not older than now. */
  get now(): number {
    return this.#asked
  }

  /** A snapshot that was read at this time or later; undefined when there is none yet, and `refresh` has to be waited for. */
  snapshotSince(time: number): TargetSnapshot | undefined {
    return this.#read >= Math.max(time, this.#needed) ? this.#snapshot : undefined
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

  async #load(): Promise<TargetSnapshot> {
    // Noted before reading: a change that happens meanwhile asks for another one.
    const reading = this.#asked
    try {
      const catalog = await this.#options.load()
      const known = this.#snapshot
      const snapshot = known?.catalog.epoch === catalog.epoch ? known : this.#derive(catalog)
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

  #derive(catalog: Catalog): TargetSnapshot {
    const { labels, unlabelledColumns, inspector, target } = this.#options
    const view = buildPhiView(catalog, (relation, column) => {
      const label = labels.labelOf(relation.schema, relation.name, column.name)
      return label === 'unlabelled' ? unlabelledColumns === 'mask' : label !== 'none'
    })
    const types = new Map(
      catalog.userTypes.map((type) => [type.oid, { kind: type.kind, baseOid: type.baseOid, name: type.name }]),
    )
    const names = new Set<string>()
    for (const relation of catalog.relations) {
      names.add(relation.schema).add(relation.name)
      for (const column of relation.columns) names.add(column.name)
    }
    for (const { schema, name } of catalog.userTypes) names.add(schema).add(name)
    for (const name of catalog.constraints ?? []) names.add(name)
    inspector.setCatalog(target, catalog, view)
    return Object.freeze({
      catalog,
      view,
      phi: resolveTargetPhi({ relations: catalog.relations, phiColumns: view.phiColumns }, labels, unlabelledColumns),
      names,
      typeOf: (oid: number) => types.get(oid),
    })
  }
}
