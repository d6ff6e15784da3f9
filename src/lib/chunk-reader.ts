import type { Duplex } from 'node:stream'

/**
 * Reads a stream piece by piece while a handshake goes on, and gives it back afterwards: nothing is read ahead of what
 * was asked for but the one piece that `read` returned.
 */
export class ChunkReader {
  readonly #stream: Duplex

  constructor(stream: Duplex) {
    this.#stream = stream
  }

  /** The next bytes, or null when the peer closed its side. Rejects when the connection broke. */
  read(): Promise<Buffer | null> {
    const stream = this.#stream
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        stream.off('readable', onReadable)
        stream.off('end', onEnd)
        stream.off('close', onEnd)
        stream.off('error', onError)
        act()
      }
      const onReadable = () => {
        const chunk: unknown = stream.read()
        if (Buffer.isBuffer(chunk)) settle(() => resolve(chunk))
        else if (stream.readableEnded) onEnd()
      }
      const onEnd = () => settle(() => resolve(null))
      const onError = (error: Error) => settle(() => reject(error))
      if (stream.destroyed || stream.readableEnded) {
        resolve(null)
        return
      }
      stream.on('readable', onReadable)
      stream.on('end', onEnd)
      stream.on('close', onEnd)
      stream.on('error', onError)
      onReadable()
    })
  }
}
