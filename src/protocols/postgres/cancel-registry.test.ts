import { describe, expect, it } from 'vitest'
import { CancelRegistry } from './cancel-registry.ts'

const NOTHING = () => Promise.resolve()

describe('CancelRegistry', () => {
  it('gives keys of the length of the protocol version, and finds the session by them, also when process ids are the same', async () => {
    const registry = new CancelRegistry()
    const cancelled: number[] = []
    const keys = Array.from({ length: 100 }, (_, index) =>
      registry.issue(index % 2 === 0 ? 0 : 2, index % 10, () => {
        cancelled.push(index)
        return Promise.resolve()
      }),
    )
    for (const [index, { processId, secretKey }] of keys.entries()) {
      expect(secretKey).toHaveLength(index % 2 === 0 ? 4 : 32)
      expect(processId).toBe(index % 10)
      await registry.cancel(processId, secretKey)
    }
    expect(cancelled).toEqual(keys.map((_, index) => index))
  })

  it('gives no two sessions of one process id the same key', () => {
    const secrets = [7, 7, 7, 8]
    const registry = new CancelRegistry((bytes) => Buffer.alloc(bytes, secrets.shift()))
    const [one, other] = [registry.issue(0, 1, NOTHING), registry.issue(0, 1, NOTHING)]
    expect([one.secretKey[0], other.secretKey[0]]).toEqual([7, 8])
  })

  it('waits until the target has been asked', async () => {
    const registry = new CancelRegistry()
    const steps: string[] = []
    const asked = Promise.withResolvers<void>()
    const { processId, secretKey } = registry.issue(2, 1, () => asked.promise)
    const done = registry.cancel(processId, secretKey).then(() => steps.push('told'))
    await new Promise((resolve) => setImmediate(resolve))
    steps.push('asked')
    asked.resolve()
    await done
    expect(steps).toEqual(['asked', 'told'])
  })

  it('cancels nothing for another key, a key of another length, another number, or after the end', async () => {
    const registry = new CancelRegistry()
    let cancelled = 0
    const key = registry.issue(2, 10, () => Promise.resolve(void cancelled++))
    const neighbour = registry.issue(2, 10, NOTHING)
    const other = Buffer.from(key.secretKey)
    other[31] = (other[31] ?? 0) ^ 1
    for (const wrong of [
      other,
      neighbour.secretKey,
      key.secretKey.subarray(0, 4),
      Buffer.concat([key.secretKey, Buffer.alloc(1)]),
      Buffer.alloc(0),
    ]) {
      await registry.cancel(key.processId, wrong)
    }
    await registry.cancel(11, key.secretKey)
    registry.revoke(key)
    await registry.cancel(key.processId, key.secretKey)
    expect(cancelled).toBe(0)
  })
})
