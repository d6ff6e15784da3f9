import { describe, expect, it } from 'vitest'
import { claimNamed } from './claim-path.ts'

const claims = {
  sub: 's',
  'a.b': { c: 'dotted' },
  a: { b: { c: 'nested' }, 'x.y': { z: 1 } },
  'kubernetes.io': { namespace: 'agents', serviceaccount: { name: 'triage' }, 'x.y': 'z' },
  list: ['q'],
}

describe('claimNamed', () => {
  it.each([
    ['sub', 's'],
    ['kubernetes.io.namespace', 'agents'],
    ['kubernetes.io.serviceaccount.name', 'triage'],
    ['kubernetes.io.x.y', 'z'],
    // The longest name at each level wins, and there is no way back from it.
    ['a.b.c', 'dotted'],
    ['a.x.y.z', 1],
    ['a.b.d', undefined],
    ['list.0', undefined],
    ['list.length', undefined],
    ['sub.length', undefined],
    ['a.b.toString', undefined],
    ['__proto__.x', undefined],
    ['', undefined],
    ['.', undefined],
    ['.sub', undefined],
    ['a.', undefined],
    ['a..b', undefined],
  ])('%s', (name, value) => expect(claimNamed(claims, name)).toBe(value))
})
