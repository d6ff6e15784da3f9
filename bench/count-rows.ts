import { once } from 'node:events'
import { connectBy } from './client.ts'
import type { Leg } from './leg.ts'
import { BenchFailure } from './processes.ts'

const DATA_ROW = 0x44
const ERROR_RESPONSE = 0x45
const READY_FOR_QUERY = 0x5a
const HEADER_BYTES = 5

interface Counted {
  readonly rows: number
  readonly bytes: number
  /** From the query to ReadyForQuery; the login is not part of it. */
  readonly seconds: number
}

/**
 * Sends a simple query and steps over the messages of its answer without looking into them: a client that costs next to
 * nothing, so that what is measured is the way and not its end.
 * @throws BenchFailure when the answer is an error
 */
export async function countRows(leg: Leg, sql: string, signal: AbortSignal): Promise<Counted> {
  const client = await connectBy(leg)
  // From here on the driver is only the owner of the socket.
  const stream = client.connection.stream
  stream.removeAllListeners('data')
  const started = performance.now()
  try {
    const answer = new Promise<Omit<Counted, 'seconds'>>((resolve, reject) => {
      let [rows, bytes, header, held] = [0, 0, Buffer.alloc(0), 0]
      let failed = false
      const step = (chunk: Buffer) => {
        bytes += chunk.length
        // `held`: bytes of the current message that are still to come; `header`: the first bytes of the next one.
        let at = Math.min(held, chunk.length)
        held -= at
        if (header.length > 0) {
          chunk = Buffer.concat([header, chunk.subarray(at)])
          at = 0
          header = Buffer.alloc(0)
        }
        while (chunk.length - at >= HEADER_BYTES) {
          const type = chunk[at]
          const total = 1 + chunk.readInt32BE(at + 1)
          if (type === DATA_ROW) rows++
          else if (type === ERROR_RESPONSE) failed = true
          else if (type === READY_FOR_QUERY) {
            if (failed) reject(new BenchFailure(`${leg.name}: the query was answered with an error`))
            else resolve({ rows, bytes })
            return
          }
          const present = Math.min(total, chunk.length - at)
          held = total - present
          at += present
        }
        if (held === 0) header = Buffer.from(chunk.subarray(at))
      }
      stream.on('data', step)
      stream.once('close', () => reject(new BenchFailure(`${leg.name}: the connection was closed`)))
      signal.addEventListener('abort', () => stream.destroy(), { once: true })
      const text = Buffer.from(`${sql}\0`)
      const message = Buffer.alloc(HEADER_BYTES + text.length)
      message.write('Q')
      message.writeInt32BE(4 + text.length, 1)
      text.copy(message, HEADER_BYTES)
      stream.write(message)
    })
    const counted = await answer
    return { ...counted, seconds: (performance.now() - started) / 1000 }
  } finally {
    if (!stream.destroyed) {
      const closed = once(stream, 'close')
      stream.end(Buffer.from([0x58, 0, 0, 0, 4]))
      stream.resume()
      await closed
    }
  }
}
