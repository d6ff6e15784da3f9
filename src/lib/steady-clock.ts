import type { Clock } from './clock.ts'

/**
 * A wall clock that never goes back and is never slower than time itself: whatever ends by it ends no later when the machine's
 * clock is set back, and sooner when it is set forward.
 *
 * @param monotonic milliseconds since any moment; never goes back. Undefined: that of the process.
 */
export function steadyClock(wall: Clock, monotonic: () => number = () => performance.now()): Clock {
  let latest = wall()
  let seen = monotonic()
  return () => {
    const now = monotonic()
    latest = Math.max(wall(), latest + now - seen)
    seen = now
    return latest
  }
}
