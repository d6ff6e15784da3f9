import type { Duplex } from 'node:stream'
import { ChaperoneError } from '../../lib/errors.ts'
import type { DialedTarget } from '../protocol.ts'
import type { FrameLimits } from './limits.ts'
import { checkTarget } from './login-checks.ts'
import type { TargetClient } from './target-client.ts'
import { loginToTarget } from './target-login.ts'

export interface OwnConnectionsOptions {
  readonly dial: () => Promise<DialedTarget>
  readonly limits: FrameLimits
  /** Shown in the target's pg_stat_activity. */
  readonly name: string
  /** Settings besides those that every connection of the gateway's own has. */
  readonly settings: readonly (readonly [string, string])[]
  readonly maxConnections: number
  /** Who comes when so many wait already is turned away. */
  readonly maxWaiting: number
  /** How long one use may take; then its connection is given up. */
  readonly deadlineMs: number
}

const SETTINGS: readonly (readonly [string, string])[] = [
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
  ['default_transaction_read_only', 'on'],
]
const IDLE_MS = 30_000

interface Connection {
  readonly client: TargetClient
  readonly stream: Duplex
}

/** A connection that nobody uses. */
interface Idle {
  readonly connection: Connection
  /** It is not idle any more. */
  readonly leave: () => void
}

/** A few read-only connections of the gateway's own to one target, opened when they are needed. */
export class OwnConnections {
  readonly #options: OwnConnectionsOptions
  readonly #idle = new Set<Idle>()
  readonly #waiting: (() => void)[] = []
  #used = 0
  #isClosed = false

  constructor(options: OwnConnectionsOptions) {
    this.#options = options
  }

  /** Runs `ask` with a connection; where it rejects, the connection is not used again. */
  async use<T>(ask: (client: TargetClient) => Promise<T>): Promise<T> {
    const { maxConnections, maxWaiting, deadlineMs } = this.#options
    if (this.#used >= maxConnections) {
      if (this.#waiting.length >= maxWaiting) throw new ChaperoneError('CHP-LIMIT-EXCEEDED')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#used++
    let connection: Connection | undefined
    let deadline: NodeJS.Timeout | undefined
    try {
      connection = await this.#open()
      const { client, stream } = connection
      deadline = setTimeout(() => stream.destroy(), deadlineMs)
      const result = await ask(client)
      this.#keep(connection)
      return result
    } catch (error) {
      connection?.stream.destroy()
      throw error
    } finally {
      clearTimeout(deadline)
      const next = this.#waiting.shift()
      if (next === undefined) this.#used--
      else next()
    }
  }

  /** What is in use is closed when it is not used any more. */
  close(): void {
    this.#isClosed = true
    for (const { leave, connection } of this.#idle) {
      leave()
      connection.client.close()
    }
  }

  async #open(): Promise<Connection> {
    const [known] = this.#idle
    if (known !== undefined) {
      known.leave()
      return known.connection
    }
    const { dial, limits, name, settings } = this.#options
    const dialed = await dial()
    try {
      const parameters = new Map([['application_name', name], ...SETTINGS, ...settings])
      const target = await loginToTarget(dialed, parameters, limits)
      await checkTarget(target, dialed.account)
      const { stream } = target.wire
      stream.on('error', () => stream.destroy())
      return { client: target.client, stream }
    } catch (error) {
      dialed.wire.stream.destroy()
      throw error
    }
  }

  #keep(connection: Connection): void {
    const { client, stream } = connection
    if (this.#isClosed) return client.close()
    const leave = () => {
      clearTimeout(timer)
      stream.off('readable', onWord)
      this.#idle.delete(idle)
    }
    // Whatever a target says without being asked, it is about to end the connection.
    const onWord = () => {
      leave()
      stream.destroy()
    }
    const timer = setTimeout(() => {
      leave()
      client.close()
    }, IDLE_MS).unref()
    const idle: Idle = { connection, leave }
    this.#idle.add(idle)
    stream.on('readable', onWord)
  }
}
