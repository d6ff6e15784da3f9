import { describe, expect, it } from 'vitest'
import { CancelRegistry } from './cancel-registry.ts'

describe('CancelRegistry', () => {
  it('gives keys of the length of the protocol version, and finds the session by them', () => {
    const registry = new CancelRegistry()
    const cancelled: number[] = []
    const keys = Array.from({ length: 100 }, (_, index) =>
      registry.issue(index % 2 === 0 ? 0 : 2, () => cancelled.push(index)),
    )
    expect(new Set(keys.map(({ processId }) => processId)).size).toBe(100)
    for (const [index, { processId, secretKey }] of keys.entries()) {
      expect(secretKey).toHaveLength(index % 2 === 0 ? 4 : 32)
      expect(processId).toBeGreaterThan(0)
      expect(processId).toBeLessThan(2 ** 31)
      expect(registry.cancel(processId, secretKey)).toBe(true)
    }
    expect(cancelled).toHaveLength(100)
  })

  it('cancels nothing for another key, a key of another length, another number, or after the end', () => {
    const registry = new CancelRegistry()
    let cancelled = 0
    const key = registry.issue(2, () => cancelled++)
    const other = Buffer.from(key.secretKey)
    other[31] = (other[31] ?? 0) ^ 1
    for (const wrong of [
      other,
      key.secretKey.subarray(0, 4),
      Buffer.concat([key.secretKey, Buffer.alloc(1)]),
      Buffer.alloc(0),
    ]) {
      expect(registry.cancel(key.processId, wrong)).toBe(false)
    }
    expect(registry.cancel(key.processId === 1 ? 2 : key.processId - 1, key.secretKey)).toBe(false)
    registry.revoke(key)
    expect(registry.cancel(key.processId, key.secretKey)).toBe(false)
    expect(cancelled).toBe(0)
  })
})
