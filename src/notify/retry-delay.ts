const FIRST_MS = 5000
const LONGEST_MS = 3_600_000
/** After so long a message is given up. */
const GIVE_UP_MS = 24 * 3_600_000

/**
 * When to try again: twice as long after each attempt, by half more or less at random, so that gateways do not come all at once. Undefined:
 * not any more.
 */
export function retryDelay(attempts: number, ageMs: number, random: () => number = Math.random): number | undefined {
  if (ageMs >= GIVE_UP_MS) return undefined
  const exponential = Math.min(FIRST_MS * 2 ** Math.min(attempts, 20), LONGEST_MS)
  return Math.round(exponential * (0.5 + random()))
}
