/** All of them, in order, at most so many at a time. */
export function batchesOf<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}

/** Two at a time, so that this process encrypts while the store writes; the first failure ends it. */
export async function inLanes<T>(batches: readonly T[], work: (batch: T) => Promise<void>): Promise<void> {
  const queue = batches.values()
  let isFailing = false
  const lane = async () => {
    for (const batch of queue) {
      if (isFailing) return
      try {
        await work(batch)
      } catch (error) {
        isFailing = true
        throw error
      }
    }
  }
  await Promise.all([lane(), lane()])
}
