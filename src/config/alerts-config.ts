import type { ScheduleConfig, WebhookConfig } from './config.ts'

export interface SyslogConfig {
  readonly transport: 'udp' | 'tcp' | 'tls'
  readonly host: string
  readonly port: number
  readonly caFile: string | undefined
  /** RFC 5424, table 1; 13: log audit. */
  readonly facility: number
}

export interface AlertsConfig {
  readonly webhooks: readonly WebhookConfig[]
  readonly syslog: readonly SyslogConfig[]
  /** So many refusals of one chain in this time. */
  readonly refusals: { readonly count: number; readonly within: number }
  /** Rows an hour of one chain at a target, as a multiple of its mean over the days before, from so many rows on. */
  readonly volume: { readonly factor: number; readonly minimumRows: number } | undefined
  /** Hours in which sessions are expected; undefined: any. */
  readonly workingHours: ScheduleConfig | undefined
  /** First use of a table, and first sight of a patient, by a chain. */
  readonly firstAccess: boolean
  /** An alert that is like one before is counted, not sent, for this long. */
  readonly repeatAfter: number
  /** Alerts sent in an hour at most; what is over is counted and told with the next. */
  readonly maxPerHour: number
}
