import type { Duplex } from 'node:stream'

/** Calls `then` once the stream has come so far, or has closed; a stream that takes too long is closed. */
export function within(milliseconds: number, stream: Duplex, event: 'finish' | 'close', then: () => void): void {
  const timer = setTimeout(() => stream.destroy(), milliseconds)
  timer.unref()
  const done = () => {
    clearTimeout(timer)
    then()
  }
  if (stream.closed || (event === 'finish' && stream.writableFinished)) done()
  else stream.once(event, done).once('close', done)
}
