/**
 * The decisions that a generator takes, one number each: drawn from a seed, or replayed from a list. 0 is the simplest way
 * to go on, everywhere; so a list that is shorter or has smaller numbers gives a simpler statement.
 */
export class Choices {
  readonly taken: number[] = []
  readonly #draw: (index: number) => number

  private constructor(draw: (index: number) => number) {
    this.#draw = draw
  }

  static seeded(seed: number): Choices {
    const random = randomNumbers(seed)
    return new Choices(() => random())
  }

  /** Beyond the end of the list everything is 0. */
  static replayed(list: readonly number[]): Choices {
    return new Choices((index) => list[index] ?? 0)
  }

  /** From 0 to `count` - 1. */
  next(count: number): number {
    const value = this.#draw(this.taken.length) % Math.max(1, count)
    this.taken.push(value)
    return value
  }

  pick<T>(options: readonly [T, ...T[]] | readonly T[]): T {
    const chosen = options[this.next(options.length)]
    if (chosen === undefined) throw new RangeError('there is nothing to pick from')
    return chosen
  }

  /** True in so many of a hundred cases. */
  chance(percent: number): boolean {
    return this.next(100) >= 100 - percent
  }

  /** One of some alternatives by weight; the first one is the simplest. */
  weighted<T>(options: readonly (readonly [weight: number, make: () => T])[]): T {
    let rest = this.next(options.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, make] of options) {
      if (rest < weight) return make()
      rest -= weight
    }
    throw new RangeError('there is nothing to pick from')
  }
}

/** Numbers of 31 bits (the generator of Marsaglia's xorshift family with a multiplication behind it). */
export function randomNumbers(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return Math.imul(state, 0x2545_f491) >>> 1
  }
}

/** Candidates that are simpler than a list of choices: without some of them, or with smaller ones. */
function* simpler(list: readonly number[]): Generator<readonly number[]> {
  for (let size = Math.max(1, Math.floor(list.length / 2)); ; size = Math.floor(size / 2)) {
    for (let start = 0; start < list.length; start += size) {
      yield list.toSpliced(start, size)
      if (list.slice(start, start + size).some((value) => value > 0))
        yield list.map((value, index) => (index >= start && index < start + size ? 0 : value))
    }
    if (size <= 1) break
  }
  for (const [index, value] of list.entries()) {
    if (value > 1) {
      yield list.with(index, value >> 1)
      yield list.with(index, value - 1)
    }
  }
}

/** The simplest list found within so many tries for which `fails` still holds. */
export async function minimised(
  list: readonly number[],
  fails: (candidate: readonly number[]) => Promise<boolean>,
  tries: number,
): Promise<readonly number[]> {
  let best = list
  let left = tries
  for (let again = true; again && left > 0; ) {
    again = false
    for (const candidate of simpler(best)) {
      if (left-- <= 0) break
      if (!(await fails(candidate))) continue
      best = candidate
      again = true
      break
    }
  }
  return best
}
