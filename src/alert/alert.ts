import type { AlertSource } from './alert-event.ts'

export const ALERT_KINDS = [
  'refusals',
  'rule',
  'first-access',
  'first-patients',
  'volume',
  'off-hours',
  'token-unknown',
  'token-malformed',
  'write-back',
  'login-failures',
  'approval-invalid',
  'passkey-registered',
  'budget-exceeded',
  'killed',
  'revoked',
  'policy-error',
  'record-failed',
  'store-down',
] as const

export type AlertKind = (typeof ALERT_KINDS)[number]

/** RFC 5424, table 2: critical 2, error 3, warning 4, notice 5. */
export type Severity = 'critical' | 'error' | 'warning' | 'notice'

/** Something that operators are told of, before it is known whether they are told now. Free of values. */
export interface RaisedAlert {
  readonly kind: AlertKind
  readonly severity: Severity
  /** One sentence. */
  readonly title: string
  /** Names, codes and counts. */
  readonly details: Readonly<Record<string, string | number | readonly string[]>>
  readonly source: AlertSource
  /** Alerts with equal texts are alike. */
  readonly likeness: string
}

/** An alert that is sent. */
export interface Alert extends RaisedAlert {
  readonly id: string
  /** Alerts like this one since the last that was sent. */
  readonly repeated: number
  /** Others that were not sent because there were too many. */
  readonly heldBack: number
}

/** Where alerts go. Never waits, never throws: what it cannot deliver it keeps, within bounds, or gives up. */
export type AlertSink = (alert: Alert) => void
