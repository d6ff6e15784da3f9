import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { batchesOf, inLanes } from './lanes.ts'

describe('batchesOf', () => {
  it('keeps everything in order', () => {
    expect(batchesOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
    expect(batchesOf([1, 2], 2)).toEqual([[1, 2]])
    expect(batchesOf([], 2)).toEqual([])
  })
})

describe('inLanes', () => {
  it('does all of the work, two pieces at a time', async () => {
    let running = 0
    let most = 0
    const done: number[] = []
    await inLanes([1, 2, 3, 4, 5], async (piece) => {
      most = Math.max(most, ++running)
      await delay(1)
      running--
      done.push(piece)
    })
    expect(new Set(done)).toEqual(new Set([1, 2, 3, 4, 5]))
    expect(most).toBe(2)
  })

  it('begins nothing after a failure', async () => {
    const begun: number[] = []
    const work = inLanes([1, 2, 3, 4, 5, 6], async (piece) => {
      begun.push(piece)
      await delay(1)
      if (piece === 1) throw new Error('it failed')
      await delay(1)
    })
    await expect(work).rejects.toThrow('it failed')
    await delay(10)
    expect(begun).toEqual([1, 2])
  })
})
