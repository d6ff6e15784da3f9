/** What one inspector may spend. All are per gateway worker, not per session. */
export interface InspectorLimits {
  /** Longest statement string, in UTF-8 bytes. */
  readonly maxStatementBytes: number
  /** Most tokens in a statement string, comments included. Deep trees need many tokens. */
  readonly maxTokens: number
  /** Longest time in milliseconds that one analysis may take once it has a worker. */
  readonly analysisTimeoutMs: number
  /** Longest time in milliseconds that a statement may wait for a worker. */
  readonly queueTimeoutMs: number
  /** Most statements that wait for a worker. */
  readonly maxQueued: number
  /** Most cached inspections. */
  readonly cacheEntries: number
  /** About how much memory the cache may use, in bytes. */
  readonly cacheBytes: number
  /** Threads that analyse at the same time. */
  readonly workers: number
  /** Further threads that are kept ready to take the place of a discarded one. */
  readonly warmWorkers: number
  /** Analyses after which a thread is replaced, so that what the parser leaks stays bounded. */
  readonly analysesPerWorker: number
  /** Heap of a thread in MiB; the parser's own memory is outside it. */
  readonly workerHeapMb: number
  /** Stack of a thread in MiB: bounds how deep a statement may be. Node's own default is 4. */
  readonly workerStackMb: number
}

export const DEFAULT_LIMITS: InspectorLimits = {
  maxStatementBytes: 256 * 1024,
  // A list of as many parameters as there can be (65,535) is twice as many tokens.
  maxTokens: 200_000,
  analysisTimeoutMs: 2_000,
  queueTimeoutMs: 10_000,
  maxQueued: 1_000,
  cacheEntries: 10_000,
  cacheBytes: 64 * 1024 * 1024,
  workers: 2,
  warmWorkers: 1,
  analysesPerWorker: 20_000,
  workerHeapMb: 256,
  workerStackMb: 4,
}
