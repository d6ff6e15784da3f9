import type { Duplex } from 'node:stream'
import { ChunkReader } from '../../lib/chunk-reader.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import { decodeDataRow, decodeErrorFields } from './decode.ts'
import { encodeQuery, encodeTerminate } from './encode.ts'
import type { FrameCursor } from './framing.ts'
import { BACKEND } from './messages.ts'

/**
 * The gateway's own few questions to a target it is logged in to: one simple query at a time, text results. Used before a
 * session's relay starts and for reading the catalog; never while a relay runs.
 */
export class TargetClient {
  readonly #stream: Duplex
  readonly #cursor: FrameCursor
  readonly #reader: ChunkReader

  constructor(stream: Duplex, cursor: FrameCursor) {
    this.#stream = stream
    this.#cursor = cursor
    this.#reader = new ChunkReader(stream)
  }

  /** Moves to the target's next message. Rejects with CHP-TARGET-LOST when the connection ends instead. */
  async next(): Promise<FrameCursor> {
    while (!this.#cursor.next()) {
      const chunk = await readFrom(this.#reader)
      if (chunk === null) throw new ChaperoneError('CHP-TARGET-LOST', { reason: 'the target closed the connection' })
      this.#cursor.feed(chunk)
    }
    return this.#cursor
  }

  send(bytes: Buffer): void {
    this.#stream.write(bytes)
  }

  /** The rows of the last result of `sql`, as text. Rejects with the target's SQLSTATE and message in the reason. */
  async query(sql: string): Promise<readonly (readonly (string | null)[])[]> {
    const answer = await this.ask(sql)
    if ('error' in answer) throw answer.error
    return answer.rows
  }

  /** The same, with an error of the target as a value; rejects when the connection ends. */
  async ask(
    sql: string,
  ): Promise<{ readonly rows: readonly (readonly (string | null)[])[] } | { readonly error: ChaperoneError }> {
    this.send(encodeQuery(sql))
    let rows: (string | null)[][] = []
    let error: ChaperoneError | undefined
    for (;;) {
      const { type, buffer, body, end } = await this.next()
      if (type === BACKEND.RowDescription) rows = []
      else if (type === BACKEND.DataRow) {
        const { values } = decodeDataRow(buffer, body, end)
        rows.push(values.map((value) => (value === null ? null : buffer.toString('utf8', value.start, value.end))))
      } else if (type === BACKEND.ErrorResponse)
        error ??= reportedError('CHP-TARGET-LOST', decodeErrorFields(buffer, body, end))
      else if (type === BACKEND.ReadyForQuery) return error === undefined ? { rows } : { error }
    }
  }

  close(): void {
    this.#stream.end(encodeTerminate())
  }
}

/** The next bytes of a target; a connection that breaks is CHP-TARGET-LOST. */
export async function readFrom(reader: ChunkReader): Promise<Buffer | null> {
  try {
    return await reader.read()
  } catch (cause) {
    throw new ChaperoneError('CHP-TARGET-LOST', {
      reason: cause instanceof Error ? cause.message : 'the connection broke',
      cause,
    })
  }
}

/** An error that the target reported to the gateway itself; its text is for the log. */
export function reportedError(
  code: 'CHP-TARGET-LOST' | 'CHP-TARGET-UNREACHABLE' | 'CHP-TARGET-REFUSED',
  fields: ReadonlyMap<string, string>,
): ChaperoneError {
  return new ChaperoneError(code, { reason: `the target said ${fields.get('C') ?? '?'}: ${fields.get('M') ?? ''}` })
}
