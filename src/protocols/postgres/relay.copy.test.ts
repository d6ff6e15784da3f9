import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { CopyMask } from '../protocol.ts'
import {
  encodeBind,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyResponse,
  encodeEmptyBackend,
  encodeErrorResponse,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeReadyForQuery,
  encodeSync,
} from './encode.ts'
import { SECRET } from './model-server-test-support.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'

/** A gate whose COPY is masked as told. */
class CopyGate extends FakeGate {
  readonly #mask: CopyMask | 'pass' | ChaperoneError

  constructor(mask: CopyMask | 'pass' | ChaperoneError, masked = true) {
    super({ masked })
    this.#mask = mask
  }

  override copyPlan(): CopyMask | 'pass' | ChaperoneError {
    return this.#mask
  }
}

/** Numbers the rows, and leaves every second one as it is. */
const numbering: CopyMask = {
  classes: ['name'],
  start: () => {
    let rows = 0
    return { row: () => (rows++ % 2 === 0 ? Buffer.from(`row ${rows}\n`) : null) }
  },
}

const broken: CopyMask = {
  classes: ['name'],
  start: () => ({
    row: () => {
      throw new ChaperoneError('CHP-TARGET-LOST', { reason: 'no row' })
    },
  }),
}

const COPY = [
  encodeCopyResponse('CopyOutResponse', 0, [0]),
  encodeCopyData(Buffer.from(`${SECRET}-1\n`)),
  encodeCopyData(Buffer.from('plain\n')),
  encodeCopyData(Buffer.from(`${SECRET}-3\n`)),
  encodeCopyDone(),
  encodeCommandComplete('COPY 3'),
]

async function copied(gate: FakeGate, question: readonly Buffer[], answer: readonly Buffer[]) {
  const { relay, client, target } = relayInMemory(gate)
  const ended = relay.run()
  client.push(Buffer.concat(question))
  await settle()
  target.push(Buffer.concat(answer))
  await settle()
  const frames = describeFrames('backend', client.output)
  client.destroy()
  return { frames, end: await ended, gate }
}

const READY = encodeReadyForQuery('I')
const simple = [encodeQuery('SELECT phi')]

describe('COPY to a masked client', () => {
  it('is rewritten row by row, and recorded as what left', async () => {
    const { frames, gate } = await copied(new CopyGate(numbering), simple, [...COPY, READY])
    expect(frames).toEqual(['H:|', 'd:row 1|', 'd:plain|', 'd:row 3|', 'c:', 'C:COPY 3|', 'Z:I'])
    expect(gate.events.filter(({ kind }) => kind === 'outcome').map(({ detail }) => detail)).toEqual([
      'ok COPY 3 committed',
    ])
  })

  it('is rewritten in the extended protocol', async () => {
    const { frames } = await copied(
      new CopyGate(numbering),
      [encodeParse('', 'SELECT phi'), encodeBind(), encodeExecute(''), encodeSync()],
      [
        encodeEmptyBackend('ParseComplete'),
        encodeEmptyBackend('BindComplete'),
        encodeEmptyBackend('NoData'),
        ...COPY,
        READY,
      ],
    )
    expect(frames.slice(2)).toEqual(['H:|', 'd:row 1|', 'd:plain|', 'd:row 3|', 'c:', 'C:COPY 3|', 'Z:I'])
  })

  it('starts anew for every COPY of a text', async () => {
    const { frames } = await copied(
      new CopyGate(numbering),
      [encodeQuery('SELECT phi; SELECT phi')],
      [...COPY, ...COPY, READY],
    )
    expect(frames.filter((frame) => frame.startsWith('d'))).toEqual([
      'd:row 1|',
      'd:plain|',
      'd:row 3|',
      'd:row 1|',
      'd:plain|',
      'd:row 3|',
    ])
  })

  it('passes byte for byte when nothing of it is masked', async () => {
    const { frames } = await copied(new CopyGate('pass'), simple, [...COPY, READY])
    expect(frames.filter((frame) => frame.startsWith('d'))).toEqual([`d:${SECRET}-1|`, 'd:plain|', `d:${SECRET}-3|`])
  })

  it('ends with the error of the target in the middle of it', async () => {
    const error = encodeErrorResponse({ severity: 'ERROR', sqlstate: '57014', message: `${SECRET} cancelled` })
    const { frames } = await copied(new CopyGate(numbering), simple, [...COPY.slice(0, 2), error, READY])
    expect(frames.map(([letter]) => letter).join('')).toBe('HdEZ')
    expect(frames.join()).not.toContain(SECRET)
  })

  it.each([
    ['that may not be released', new ChaperoneError('CHP-MASK-UNPROVEN')],
    ['of rows that cannot be read', broken],
  ] as const)('ends the session when it is one %s', async (_, mask) => {
    const { frames, end } = await copied(new CopyGate(mask), simple, [...COPY, READY])
    expect(frames.join()).not.toContain(SECRET)
    expect(frames.at(-1)).toMatch(/^E:.*FATAL/)
    expect(end.reason).toBe('failed')
  })
})

it('COPY to a client that may see everything is not looked at', async () => {
  const { frames } = await copied(new CopyGate(broken, false), simple, [...COPY, READY])
  expect(frames).toHaveLength(7)
})
