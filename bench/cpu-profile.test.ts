import { describe, expect, it } from 'vitest'
import { parseCpuProfile, selfTimes } from './cpu-profile.ts'

const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber })

const profile = parseCpuProfile(
  JSON.stringify({
    startTime: 1000,
    endTime: 9000,
    nodes: [
      { id: 0, callFrame: frame('(root)'), children: [1, 2] },
      { id: 1, callFrame: frame('(idle)') },
      {
        id: 2,
        callFrame: frame('pump', 'file:///somewhere/src/relay.ts', 9),
        positionTicks: [{ line: 12, ticks: 5 }],
        children: [3, 4],
      },
      { id: 4, callFrame: frame('write', 'node:net', 7), children: [5] },
      { id: 5, callFrame: frame('writev') },
      { id: 3, callFrame: frame('pump', 'file:///somewhere/src/relay.ts', 9), positionTicks: [{ line: 14, ticks: 9 }] },
    ],
    samples: [1, 2, 3, 1, 2, 5],
    timeDeltas: [1000, 2000, 1000, 500, 3500, 1000],
  }),
)

describe('selfTimes', () => {
  it('adds up the calls of a function from wherever they came', () => {
    expect(selfTimes(profile, 0, 100_000)).toEqual({
      totalMs: 9,
      functions: [
        { name: 'pump', place: 'src/relay.ts:10', via: '', ms: 6.5, hottestLine: 14 },
        { name: '(idle)', place: '', via: '', ms: 1.5, hottestLine: undefined },
        { name: 'writev', place: '', via: 'pump src/relay.ts:10', ms: 1, hottestLine: undefined },
      ],
    })
  })

  it('counts what lies between the two moments only', () => {
    const { functions, totalMs } = selfTimes(profile, 3500, 5200)
    expect(totalMs).toBe(3)
    expect(functions.map(({ name, ms }) => [name, ms])).toEqual([['pump', 3]])
  })

  it('refuses what is no profile', () => {
    expect(() => parseCpuProfile('{"nodes":[]}')).toThrow()
  })
})
