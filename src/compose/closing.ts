/** What is open, to be closed in reverse: a start that fails leaves nothing behind, least of all a server of its own. */
export type Closing = (() => Promise<void> | void)[]

/** One that fails does not keep the others open. */
export async function closeAll(closing: Closing): Promise<void> {
  const failures: unknown[] = []
  for (const close of closing.splice(0).toReversed()) {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
