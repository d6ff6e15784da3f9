import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Alert, AlertKind, AlertSink } from '../alert/alert.ts'
import { AlertCenter } from '../alert/alert-center.ts'
import type { RaiseAlert } from '../alert/alert-event.ts'
import { alertBody } from '../alert/alert-text.ts'
import { syslogMessage } from '../alert/syslog-message.ts'
import { SyslogSender } from '../alert/syslog-sender.ts'
import type { SyslogConfig } from '../config/alerts-config.ts'
import type { Config } from '../config/config.ts'
import { isWithin } from '../decide/schedule.ts'
import { asChaperoneError } from '../lib/errors.ts'
import type { WebhookSender } from '../notify/webhook-sender.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import type { Journal } from '../record/journal.ts'
import { alertMemoryRepository } from '../store/alert-memory-repository.ts'
import type { Store } from '../store/open-store.ts'
import { reasonOf } from '../store/store-failure.ts'
import type { Log } from './log.ts'

export interface AlertParts {
  readonly config: Config
  readonly store: Store | undefined
  readonly journal: Journal
  readonly webhooks: WebhookSender | undefined
  readonly log: Log
}

export interface Alerting {
  readonly raise: RaiseAlert
  close(): Promise<void>
}

/** The session has them on record and in the log, each one: here they are told of. */
const OF_SESSIONS: ReadonlySet<AlertKind> = new Set(['token-unknown', 'token-malformed', 'write-back'])

/** Where alerts go: to the log, to the journal, and to the receivers of the configuration. */
export function openAlerts({ config, store, journal, webhooks, log }: AlertParts): Alerting {
  const { alerts } = config
  const gateway = hostname()
  const senders = alerts.syslog.map((settings) => syslogSender(settings, log))
  const remembers = alerts.firstAccess || alerts.volume !== undefined
  const { workingHours } = alerts
  const center = new AlertCenter({
    settings: alerts,
    isWorkingTime: (at) => workingHours === undefined || isWithin(workingHours, at),
    memory: store === undefined || !remembers ? undefined : alertMemoryRepository(store),
    sinks: [
      logSink(log),
      journalSink(journal),
      ...alerts.webhooks.map(({ name }) => webhookSink(name, webhooks, gateway, log)),
      ...senders,
    ],
    onFailure: (error) => log.error({ reason: reasonOf(error) }, 'an alert could not be made or passed on'),
  })
  return {
    raise: (event, source) => center.raise(event, source),
    close: async () => {
      await center.close()
      await Promise.all(senders.map((sender) => sender.close()))
    },
  }
}

const fieldsOf = ({ kind, severity, details, source, repeated, heldBack }: Alert) => ({
  alert: kind,
  severity,
  ...details,
  chain: source.chain,
  ...(source.target === undefined ? {} : { target: source.target }),
  ...(repeated === 0 ? {} : { repeated }),
  ...(heldBack === 0 ? {} : { heldBack }),
})

const logSink =
  (log: Log): AlertSink =>
  (alert) => {
    if (OF_SESSIONS.has(alert.kind)) return
    log.warn({ session: alert.source.session, title: alert.title, ...fieldsOf(alert) }, 'alert')
  }

const journalSink =
  (journal: Journal): AlertSink =>
  (alert) => {
    if (OF_SESSIONS.has(alert.kind) || journal.state !== 'open') return
    const session = alert.source.session ?? NO_SESSION
    journal.append({ kind: 'alert', session, op: 0, what: fragment(fieldsOf(alert)), who: fragment({}) })
  }

const webhookSink =
  (webhook: string, sender: WebhookSender | undefined, gateway: string, log: Log): AlertSink =>
  (alert) => {
    const message = { id: `msg_${randomUUID()}`, webhook, body: JSON.stringify(alertBody(alert, gateway)) }
    sender?.send([message]).catch((error: unknown) => {
      const { code, reason } = asChaperoneError(error)
      log.error({ webhook, code, reason }, 'an alert could not be handed to a webhook')
    })
  }

function syslogSender(settings: SyslogConfig, log: Log): AlertSink & { close(): Promise<void> } {
  const { transport, host, port, caFile, facility } = settings
  const sender = new SyslogSender({
    target: { transport, host, port, ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8') },
    onFailure: (reason, lost) => log.error({ host, port, reason, lost }, 'syslog cannot be reached; alerts wait'),
  })
  const origin = { facility, host: hostname(), processId: process.pid }
  return Object.assign((alert: Alert) => sender.send(syslogMessage(alert, origin)), { close: () => sender.close() })
}
