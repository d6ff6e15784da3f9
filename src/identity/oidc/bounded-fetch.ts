export interface FetchLimits {
  readonly fetch: typeof fetch
  readonly timeoutMilliseconds: number
  readonly maxBytes: number
  /** Ends the request early. */
  readonly signal: AbortSignal
}

/** A document that could not be had, in words for the log. */
export class FetchFailed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'FetchFailed'
  }
}

async function readBody(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  // Leaving the loop early cancels the body and with it the connection.
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength
    if (length > maxBytes) throw new FetchFailed(`the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Node's fetch says only "fetch failed"; the code below it (ECONNREFUSED, a TLS code) is what an operator needs. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown failure'
  if (error.name === 'TimeoutError') return 'no complete answer in time'
  const { cause } = error
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.name
  return error.name
}

/**
 * Fetches a JSON object: status 200 only, no redirects, bounded in time and size.
 * @throws FetchFailed
 */
export async function fetchJsonObject(url: string, limits: FetchLimits): Promise<Record<string, unknown>> {
  let body: Uint8Array
  try {
    const response = await limits.fetch(url, {
      // A redirect could lead to a place that nobody configured, so it counts as a failure like every status but 200.
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal: AbortSignal.any([limits.signal, AbortSignal.timeout(limits.timeoutMilliseconds)]),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new FetchFailed(`status ${response.status}`)
    }
    body = await readBody(response, limits.maxBytes)
  } catch (error) {
    throw error instanceof FetchFailed ? error : new FetchFailed(describe(error))
  }
  return parseJsonObject(body, 'the answer')
}

/** @throws FetchFailed */
export function parseJsonObject(body: Uint8Array, what: string): Record<string, unknown> {
  let document: unknown
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw new FetchFailed(`${what} is not JSON`)
  }
  if (!isObject(document)) throw new FetchFailed(`${what} is not a JSON object`)
  return document
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
