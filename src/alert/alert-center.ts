import { randomUUID } from 'node:crypto'
import type { AlertsConfig } from '../config/alerts-config.ts'
import type { Alert, AlertSink, RaisedAlert } from './alert.ts'
import type { AlertEvent, AlertSource } from './alert-event.ts'
import type { AlertMemory } from './alert-memory.ts'
import { AlertRules } from './alert-rules.ts'
import { Throttle } from './throttle.ts'
import { UsageWatch } from './usage-watch.ts'

export interface AlertCenterOptions {
  readonly settings: AlertsConfig
  /** Whether sessions are expected at this time. */
  readonly isWorkingTime: (at: number) => boolean
  /** Undefined: nothing is compared with the days before. */
  readonly memory: AlertMemory | undefined
  readonly sinks: readonly AlertSink[]
  readonly onFailure: (error: unknown) => void
}

/** Alerts that are counted as being alike. */
const MAX_KEYS = 10_000

/** Makes alerts of events: judges, leaves out what is alike, and hands on. */
export class AlertCenter {
  readonly #options: AlertCenterOptions
  readonly #rules: AlertRules
  readonly #throttle: Throttle
  readonly #usage: UsageWatch | undefined

  constructor(options: AlertCenterOptions) {
    this.#options = options
    const { settings, memory, onFailure } = options
    this.#rules = new AlertRules({ refusals: settings.refusals, isWorkingTime: options.isWorkingTime })
    this.#throttle = new Throttle({
      repeatAfterMs: settings.repeatAfter,
      maxPerHour: settings.maxPerHour,
      maxKeys: MAX_KEYS,
    })
    this.#usage =
      memory === undefined
        ? undefined
        : new UsageWatch({ settings, memory, onFailure, raise: (alert) => this.#pass(alert) })
  }

  /** See `RaiseAlert`. */
  raise(event: AlertEvent, source: AlertSource): void {
    try {
      if (event.kind === 'relations-used') this.#usage?.used(event.relations, source)
      else if (event.kind === 'patients-seen') this.#usage?.seen(event.digests, event.count, source)
      else if (event.kind === 'rows-released') this.#usage?.released(event.rows, source)
      else {
        const alert = this.#rules.judge(event, source)
        if (alert !== undefined) this.#pass(alert)
      }
    } catch (error) {
      this.#options.onFailure(error)
    }
  }

  async close(): Promise<void> {
    await this.#usage?.close()
  }

  #pass(raised: RaisedAlert): void {
    const passed = this.#throttle.pass(raised.likeness, raised.source.at, raised.severity === 'critical')
    if (passed === undefined) return
    const alert: Alert = { ...raised, id: `alert-${randomUUID()}`, ...passed }
    for (const sink of this.#options.sinks) {
      try {
        sink(alert)
      } catch (error) {
        // The others have to be told.
        this.#options.onFailure(error)
      }
    }
  }
}
