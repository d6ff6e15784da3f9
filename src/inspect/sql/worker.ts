import { parentPort } from 'node:worker_threads'
import { loadModule } from 'libpg-query'
import { analyse } from './analyse.ts'
import type { Catalog, PhiView } from './catalog.ts'
import { type Surroundings, surroundingsOf } from './surroundings.ts'
import type { WorkerReply, WorkerRequest } from './worker-messages.ts'

/** Search paths whose look-ups are kept; sessions of one target nearly always share one. */
const KEPT_PATHS = 16

interface Target {
  readonly catalog: Catalog
  readonly phi: PhiView
  readonly paths: Map<string, Surroundings>
}

const targets = new Map<string, Target>()

function surroundings(target: Target, searchPath: readonly string[]): Surroundings {
  const key = JSON.stringify(searchPath)
  const known = target.paths.get(key)
  if (known !== undefined) return known
  const made = surroundingsOf(target.catalog, target.phi, searchPath)
  if (target.paths.size >= KEPT_PATHS) target.paths.clear()
  target.paths.set(key, made)
  return made
}

function handle(request: WorkerRequest): WorkerReply | null {
  if (request.kind === 'catalog') {
    targets.set(request.target, { catalog: request.catalog, phi: request.phi, paths: new Map() })
    return null
  }
  const { id } = request
  const target = targets.get(request.target)
  if (target === undefined) return { kind: 'fault', id, reason: 'no catalog for the target' }
  try {
    const verdict = analyse(request.sql, surroundings(target, request.searchPath), request.maxTokens)
    return { kind: 'verdict', id, verdict }
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'overflow', id }
    // The name of the error only: its message can hold text of the statement.
    return { kind: 'fault', id, reason: error instanceof Error ? error.name : typeof error }
  }
}

const port = parentPort
if (port === null) throw new Error('worker.ts runs as a worker thread only')
await loadModule()
port.on('message', (request: WorkerRequest) => {
  const reply = handle(request)
  if (reply !== null) port.postMessage(reply)
})
port.postMessage({ kind: 'ready' } satisfies WorkerReply)
