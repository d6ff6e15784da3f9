import type { MaskPlan, Pending } from '../../mask/plan.ts'
import type { CopyMask } from '../protocol.ts'
import {
  encodeBind,
  encodeCommandComplete,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyResponse,
  encodeDataRow,
  encodeEmptyBackend,
  encodeExecute,
  encodeParse,
  encodeReadyForQuery,
  encodeRowDescription,
} from './encode.ts'
import { describeFrames, FakeGate, relayInMemory, settle } from './relay-test-support.ts'

/** Replacements `<value>` for the values of rows; what is not there has to be fetched, and can be found for a while. */
export class Fetched implements Pending {
  readonly #kept: number
  #known: readonly string[] = []
  #wanted = new Set<string>()
  /** What each `settle` fetched. */
  readonly fetches: (readonly string[])[] = []
  /** How the next `settle` ends, and when. */
  until: () => Promise<void> = () => Promise.resolve()

  /** `kept` values are remembered besides those that were fetched last. */
  constructor(kept = 1000) {
    this.#kept = kept
  }

  get isLacking(): boolean {
    return this.#wanted.size > 0
  }

  get lackingBytes(): number {
    let bytes = 0
    for (const value of this.#wanted) bytes += value.length
    return bytes
  }

  /** What begins with a capital letter has a replacement that nobody has to fetch. */
  readonly replace = (value: string): string | null => {
    if (/^[A-Z]/.test(value) || this.#known.includes(value)) return `<${value.toLowerCase()}>`
    this.#wanted.add(value)
    return null
  }

  async settle(): Promise<void> {
    const wanted = [...this.#wanted]
    this.fetches.push(wanted)
    await this.until()
    this.#wanted = new Set()
    this.#known = [...wanted, ...this.#known.slice(0, this.#kept)]
  }
}

/** A gate of results that have one column, which is replaced so. */
export class LackingGate extends FakeGate {
  readonly pending: Fetched

  constructor(pending = new Fetched()) {
    super()
    this.pending = pending
  }

  override plan(): MaskPlan {
    const { pending } = this
    const mask = (source: Buffer, start: number, end: number) => {
      const replacement = pending.replace(source.toString('utf8', start, end))
      return replacement === null ? null : Buffer.from(replacement)
    }
    return { cells: [mask], maskedCount: 1, classes: ['name'], pending }
  }

  override copyPlan(): CopyMask {
    const { pending } = this
    const row = (source: Buffer, start: number, end: number) =>
      Buffer.from(`${pending.replace(source.toString('utf8', start, end - 1))}\n`)
    return { classes: ['name'], start: () => ({ row, pending }) }
  }
}

export const description = encodeRowDescription([
  { name: 'x', tableOid: 0, attnum: 0, typeOid: 25, typmod: -1, format: 0 },
])
export const READY = encodeReadyForQuery('I')
export const rowsOf = (values: readonly string[]) => values.map((value) => encodeDataRow([value]))
export const result = (...values: string[]) => [
  description,
  ...rowsOf(values),
  encodeCommandComplete(`SELECT ${values.length}`),
]
export const copied = (...values: string[]) => [
  encodeCopyResponse('CopyOutResponse', 0, [0]),
  ...values.map((value) => encodeCopyData(Buffer.from(`${value}\n`))),
  encodeCopyDone(),
  encodeCommandComplete(`COPY ${values.length}`),
]
export const extended = [encodeEmptyBackend('ParseComplete'), encodeEmptyBackend('BindComplete'), description]
export const run = [encodeParse('', 'SELECT phi'), encodeBind(), encodeExecute('')]

/** A session to which a client has sent `question`. */
export async function asked(gate: LackingGate, ...question: readonly Buffer[]) {
  const parts = relayInMemory(gate)
  const ended = parts.relay.run()
  parts.client.push(Buffer.concat(question))
  await settle()
  return {
    ...parts,
    gate,
    ended,
    frames: () => describeFrames('backend', parts.client.output),
    outcomes: () => gate.events.filter(({ kind }) => kind === 'outcome').map(({ detail }) => detail),
    responses: () => gate.events.filter(({ kind }) => kind === 'response').map(({ detail }) => detail.split(' ')[1]),
  }
}

/** What the client gets of `answer`, given in pieces; every fetch takes a while. */
export async function answered(
  question: readonly Buffer[],
  answer: readonly Buffer[],
  cut: (bytes: Buffer) => readonly Buffer[] = (bytes) => [bytes],
  gate = new LackingGate(),
) {
  const session = await asked(gate, ...question)
  gate.pending.until = () => settle(1)
  for (const piece of cut(Buffer.concat(answer))) {
    session.target.push(piece)
    await settle(1)
  }
  for (let round = 0; round < 100 && session.relay.state === 'active'; round++) await settle(1)
  const frames = session.frames()
  session.client.destroy()
  await session.ended
  return { ...session, frames }
}

/** What rows have in their cell. */
export const cells = (frames: readonly string[]) =>
  frames.filter((frame) => /^[Dd]:/.test(frame)).map((frame) => /<.*>/.exec(frame)?.[0])
/** The type letters of messages. */
export const types = (frames: readonly string[]) => frames.map(([letter]) => letter).join('')
