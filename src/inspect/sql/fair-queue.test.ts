import { describe, expect, it } from 'vitest'
import { FairQueue } from './fair-queue.ts'

describe('FairQueue', () => {
  it('serves owners in turn', () => {
    const queue = new FairQueue<string>(10)
    const [greedy, modest] = [{}, {}]
    for (const item of ['g1', 'g2', 'g3']) queue.push(greedy, item)
    queue.push(modest, 'm1')
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([
      'g1',
      'm1',
      'g2',
      'g3',
      undefined,
    ])
  })

  it('refuses more than it may hold', () => {
    const queue = new FairQueue<number>(2)
    const owner = {}
    expect([queue.push(owner, 1), queue.push(owner, 2), queue.push(owner, 3)]).toEqual([true, true, false])
    queue.shift()
    expect(queue.push(owner, 3)).toBe(true)
  })

  it('forgets a removed item', () => {
    const queue = new FairQueue<number>(2)
    const owner = {}
    queue.push(owner, 1)
    queue.push(owner, 2)
    queue.remove(owner, 1)
    queue.remove(owner, 1)
    expect([queue.size, queue.shift(), queue.size, queue.shift()]).toEqual([1, 2, 0, undefined])
  })
})
