import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { errors, type Received, rows, type WireClient } from '../support/wire-client.ts'
import type { Step } from './ways.ts'

export interface Answer {
  readonly told: readonly Received[]
  /** Whether the connection broke. */
  readonly lost: boolean
  /** Whether the session answers an ordinary query afterwards. */
  readonly usable: boolean
}

const QUESTION = 'select 41 + 1'

/** A session that is asked one thing after another, and opened again when it breaks. */
export class Prober {
  readonly #open: () => Promise<WireClient>
  #client: WireClient | undefined

  constructor(open: () => Promise<WireClient>) {
    this.#open = open
  }

  async ask(steps: readonly Step[]): Promise<Answer> {
    const client = (this.#client ??= await this.#open())
    const told: Received[] = []
    try {
      for (const step of steps) told.push(...(await answered(client, step)))
      const tidy = errors(told).length > 0 ? ['rollback', 'deallocate all'] : ['rollback']
      // What is reported at the end of a transaction counts, too.
      for (const sql of tidy) told.push(...(await answered(client, [encodeQuery(sql)])))
      const after = await answered(client, [encodeQuery(QUESTION)])
      return { told, lost: false, usable: rows(after)[0]?.[0] === '42' }
    } catch (error) {
      this.close()
      if (!(error instanceof Lost)) throw error
      return { told: [...told, ...error.told], lost: true, usable: false }
    }
  }

  close(): void {
    this.#client?.destroy()
    this.#client = undefined
  }
}

/** The connection broke, after these last messages. */
class Lost extends Error {
  readonly told: readonly Received[]

  constructor(told: readonly Received[]) {
    super('the connection was lost')
    this.told = told
  }
}

async function answered(client: WireClient, step: Step): Promise<Received[]> {
  client.send(step)
  const told = await client.toEndOrReady()
  if (told.at(-1)?.kind !== 'ReadyForQuery') throw new Lost(told)
  return told
}
