import type { Catalog, PhiView } from './catalog.ts'
import { GenerationalCache } from '../../lib/generational-cache.ts'
import type { SqlFacts } from './facts.ts'
import type { Inspection, InspectionScope } from './inspector.ts'
import { DEFAULT_LIMITS, type InspectorLimits } from './limits.ts'
import { type Skeleton, skeletonOf } from './skeleton.ts'
import { type PoolOutcome, WorkerPool } from './worker-pool.ts'

/** A skeleton with all texts that share its facts, or with the literals that still tell its texts apart. */
interface Cached {
  readonly inspection: Inspection | null
  /** Ordinals of the literals that are part of the key; null when there are none. */
  readonly fixed: readonly number[] | null
}

/** The cache keys of one target under one search path, until the target's catalog changes. */
interface Bucket {
  /** Starts every key; unique to the bucket. */
  readonly prefix: string
  readonly target: string
  stale: boolean
}

/** Parts of a cache key; statements that contain control characters are keyed whole, so these stay unmistakable. */
const WHOLE = '\u0004'
const SEPARATOR = '\u0000'
/** Estimated memory of a set of facts besides its text. */
const BYTES_PER_STATEMENT = 1_000
const BYTES_PER_SITE = 250

/**
 * Looks at SQL before it is forwarded. Anything new is parsed and analysed in a disposable worker thread; texts that differ only in
 * literals that cannot matter share one result. Whatever goes wrong refuses the statement and nothing else.
 */
export class SqlInspector {
  readonly #limits: InspectorLimits
  readonly #pool: WorkerPool
  readonly #cache: GenerationalCache<Cached>
  readonly #buckets = new Map<string, Map<string, Bucket>>()
  readonly #bucketOfScope = new WeakMap<InspectionScope, Bucket>()
  readonly #pending = new Map<string, Promise<Inspection>>()
  #bucketCount = 0

  constructor(options: Partial<InspectorLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...options }
    this.#pool = new WorkerPool(this.#limits)
    this.#cache = new GenerationalCache(this.#limits.cacheEntries, this.#limits.cacheBytes)
  }

  /** Replaces what is known of a target; inspections made before are not used again. */
  setCatalog(target: string, catalog: Catalog, phi: PhiView): void {
    for (const bucket of this.#buckets.get(target)?.values() ?? []) bucket.stale = true
    this.#buckets.set(target, new Map())
    this.#pool.setCatalog({ kind: 'catalog', target, catalog, phi })
  }

  /**
   * The facts of a statement string. Synchronous when they are cached, so that the common path has no promise; never
   * throws or rejects. The same key yields the same frozen object as long as it is cached.
   */
  inspect(sql: string, scope: InspectionScope): Inspection | Promise<Inspection> {
    const { maxStatementBytes } = this.#limits
    // A UTF-16 unit takes at most three bytes.
    if (sql.length * 3 > maxStatementBytes && Buffer.byteLength(sql) > maxStatementBytes) return TOO_LONG
    const known = this.#bucketOfScope.get(scope)
    const bucket = known === undefined || known.stale ? this.#bucket(scope) : known
    if (bucket === null) return NO_CATALOG
    const skeleton = skeletonOf(sql)
    if (skeleton !== null) {
      const key = bucket.prefix + skeleton.text
      const cached = this.#cache.get(key)
      if (cached !== undefined) {
        if (cached.inspection !== null) return cached.inspection
        const inspection = this.#cache.get(key + fixedKey(sql, skeleton, cached.fixed))?.inspection
        if (inspection != null) return inspection
      }
    }
    return this.#cache.get(bucket.prefix + WHOLE + sql)?.inspection ?? this.#inspectNew(sql, scope, bucket, skeleton)
  }

  /** Starts the worker threads; without it the first statements wait for them. */
  warm(): Promise<void> {
    return this.#pool.warm()
  }

  /** Ends the threads. What is being analysed is answered as failed. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  #bucket(scope: InspectionScope): Bucket | null {
    const paths = this.#buckets.get(scope.target)
    if (paths === undefined) return null
    const path = JSON.stringify(scope.searchPath)
    let bucket = paths.get(path)
    if (bucket === undefined) {
      // Forgetting the others only costs them a new analysis.
      if (paths.size >= MAX_SEARCH_PATHS) {
        for (const old of paths.values()) old.stale = true
        paths.clear()
      }
      bucket = { prefix: `${this.#bucketCount++}:`, target: scope.target, stale: false }
      paths.set(path, bucket)
    }
    this.#bucketOfScope.set(scope, bucket)
    return bucket
  }

  #inspectNew(
    sql: string,
    scope: InspectionScope,
    bucket: Bucket,
    skeleton: Skeleton | null,
  ): Inspection | Promise<Inspection> {
    if (sql.includes('\0') || !sql.isWellFormed()) return NOT_TEXT
    const key = bucket.prefix + WHOLE + sql
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const started = this.#analyse(sql, scope, bucket, skeleton).finally(() => this.#pending.delete(key))
    this.#pending.set(key, started)
    return started
  }

  async #analyse(sql: string, scope: InspectionScope, bucket: Bucket, skeleton: Skeleton | null): Promise<Inspection> {
    const { target, searchPath } = scope
    const outcome = await this.#pool.run(scope, { sql, target, searchPath, maxTokens: this.#limits.maxTokens })
    // Made against a catalog that is no longer in force: look again.
    if (bucket.stale && outcome.kind === 'verdict') return this.inspect(sql, scope)
    return this.#accept(sql, bucket, skeleton, outcome)
  }

  // oxlint-disable-next-line typescript/consistent-return -- the switch is exhaustive
  #accept(sql: string, bucket: Bucket, skeleton: Skeleton | null, outcome: PoolOutcome): Inspection {
    if (outcome.kind === 'overflow') return TOO_DEEP
    if (outcome.kind === 'failed') return failed(outcome.reason)
    const { verdict } = outcome
    switch (verdict.kind) {
      case 'too-complex':
        return TOO_DEEP
      case 'unparseable': {
        const { message, position } = verdict
        const refused = { ok: false, code: 'CHP-SQL-UNPARSEABLE', message } as const
        return this.#store(bucket.prefix + WHOLE + sql, freeze(position === null ? refused : { ...refused, position }))
      }
      case 'analysed': {
        const { statements, redacted, liftable } = verdict
        const inspection: Inspection = freeze({ ok: true, statements, redacted })
        if (skeleton === null) return this.#store(bucket.prefix + WHOLE + sql, inspection)
        const key = bucket.prefix + skeleton.text
        const fixed = fixedOrdinals(skeleton, liftable)
        if (fixed === null) return this.#store(key, inspection)
        // Texts of one skeleton can differ in what is part of the key: whatever is for one of them is for all.
        const known = this.#cache.get(key)?.fixed ?? []
        const all = [...new Set([...known, ...fixed])].toSorted((a, b) => a - b)
        if (all.length > known.length) this.#cache.set(key, { inspection: null, fixed: all }, key.length * 2 + 200)
        return this.#store(key + fixedKey(sql, skeleton, all), inspection)
      }
    }
  }

  /** Keeps the inspection that is there already, when another text with the same key was analysed at the same time. */
  #store(key: string, inspection: Inspection): Inspection {
    const existing = this.#cache.get(key)?.inspection
    if (existing != null) return existing
    const size = inspection.ok ? inspection.redacted.length * 2 + sum(inspection.statements.map(bytesOf)) : 500
    this.#cache.set(key, { inspection, fixed: null }, key.length * 2 + size)
    return inspection
  }
}

const MAX_SEARCH_PATHS = 256

const TOO_LONG: Inspection = freeze({
  ok: false,
  code: 'CHP-SQL-TOO-COMPLEX',
  message: 'the statement is longer than the gateway accepts',
})
const TOO_DEEP: Inspection = freeze({
  ok: false,
  code: 'CHP-SQL-TOO-COMPLEX',
  message: 'the statement is too long or too deep to be analysed',
})
const NOT_TEXT: Inspection = freeze({
  ok: false,
  code: 'CHP-SQL-ENCODING',
  message: 'the statement is not valid UTF-8 text without NUL bytes',
})
const NO_CATALOG: Inspection = failed('the catalog of the target is not loaded')

function failed(reason: string): Inspection {
  return freeze({
    ok: false,
    code: 'CHP-SQL-ANALYSIS-FAILED',
    message: `the statement could not be analysed: ${reason}`,
  })
}

function fixedOrdinals(skeleton: Skeleton, liftable: readonly number[]): readonly number[] | null {
  const lifted = new Set(liftable)
  const fixed: number[] = []
  for (let ordinal = 0; ordinal * 2 < skeleton.spans.length; ordinal++) if (!lifted.has(ordinal)) fixed.push(ordinal)
  return fixed.length === 0 ? null : fixed
}

function bytesOf({ sites = [] }: SqlFacts): number {
  return BYTES_PER_STATEMENT + sites.length * BYTES_PER_SITE
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** The literals that belong to the key, as written; their kinds are in the skeleton. */
function fixedKey(sql: string, skeleton: Skeleton, fixed: readonly number[] | null): string {
  let key = ''
  for (const ordinal of fixed ?? []) {
    key += `${SEPARATOR}${ordinal}:${sql.slice(skeleton.spans[ordinal * 2], skeleton.spans[ordinal * 2 + 1])}`
  }
  return key
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) freeze(member)
  }
  return value
}
