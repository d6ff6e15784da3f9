import type { AlertsConfig } from '../config/alerts-config.ts'
import { assertNever } from '../lib/assert-never.ts'
import type { AlertKind, RaisedAlert, Severity } from './alert.ts'
import type { AlertEvent, AlertSource } from './alert-event.ts'
import { Frequencies } from './frequencies.ts'

export interface RuleSettings {
  readonly refusals: AlertsConfig['refusals']
  /** Whether sessions are expected at this time. */
  readonly isWorkingTime: (at: number) => boolean
}

/** Chains that are watched at the same time; whoever was quiet for longest is forgotten first. */
const MAX_WATCHED = 10_000

/** Which events are told of at once, and which when there are many. What has to be remembered for longer is not among them. */
export class AlertRules {
  readonly #settings: RuleSettings
  readonly #refusals: Frequencies
  readonly #logins: Frequencies

  constructor(settings: RuleSettings) {
    this.#settings = settings
    const { count, within } = settings.refusals
    this.#refusals = new Frequencies({ count, withinMs: within, maxKeys: MAX_WATCHED })
    this.#logins = new Frequencies({ count, withinMs: within, maxKeys: MAX_WATCHED })
  }

  judge(event: AlertEvent, source: AlertSource): RaisedAlert | undefined {
    const { target = '' } = source
    const who = JSON.stringify([source.chain, target])
    const alert = (
      kind: AlertKind,
      severity: Severity,
      title: string,
      details: RaisedAlert['details'] = {},
      about = '',
    ): RaisedAlert => ({ kind, severity, title, details, source, likeness: JSON.stringify([kind, who, about]) })
    switch (event.kind) {
      case 'refusal': {
        const { count, within } = this.#settings.refusals
        if (!this.#refusals.add(who, source.at)) return undefined
        const title = 'statements of one chain are refused again and again'
        return alert('refusals', 'warning', title, {
          count,
          withinSeconds: within / 1000,
          code: event.code,
          ...(event.rule === undefined ? {} : { rule: event.rule }),
        })
      }
      case 'login-failed': {
        const { count, within } = this.#settings.refusals
        if (!this.#logins.add(event.reason, source.at)) return undefined
        const details = { count, withinSeconds: within / 1000, reason: event.reason }
        return alert('login-failures', 'warning', 'logins fail again and again', details, event.reason)
      }
      case 'rule-alert':
        return alert('rule', 'warning', event.message, { rule: event.rule }, event.rule)
      case 'session-started': {
        if (this.#settings.isWorkingTime(source.at)) return undefined
        return alert('off-hours', 'warning', 'a session began outside working hours')
      }
      case 'token-unknown':
        return alert(event.kind, 'warning', 'a token was sent that was never given to this scope', {
          classes: event.classes,
        })
      case 'token-malformed':
        return alert(event.kind, 'notice', 'something was sent that looks like a token and is none', {
          classes: event.classes,
        })
      case 'write-back':
        return alert(event.kind, 'warning', 'a masked value would have been written into a column', {
          classes: event.classes,
        })
      case 'approval-invalid':
        return alert(
          event.kind,
          'error',
          'a decision about a request was turned away',
          { request: event.request, reason: event.reason },
          event.reason,
        )
      case 'passkey-registered':
        return alert(event.kind, 'notice', 'an approver has a new passkey')
      case 'budget-exceeded': {
        const { span, unit } = event
        return alert(event.kind, 'warning', 'a budget is used up', { span, unit }, `${span} ${unit}`)
      }
      // What operators do is told of each time.
      case 'killed':
        return alert(
          event.kind,
          'notice',
          'an operator ended sessions',
          { what: event.what, by: event.by },
          `${event.what} ${source.at}`,
        )
      case 'revoked':
        return alert(
          event.kind,
          'notice',
          'an operator revoked access',
          { what: event.what, by: event.by },
          `${event.what} ${source.at}`,
        )
      case 'policy-error': {
        const details = event.rule === undefined ? {} : { rule: event.rule }
        return alert(event.kind, 'error', 'a rule could not be evaluated; statements are refused', details, event.rule)
      }
      case 'record-failed':
        return alert(event.kind, 'critical', 'the journal cannot be written; every session ends')
      case 'store-down':
        return alert(event.kind, 'critical', 'the store cannot be reached; what needs it fails')
      case 'relations-used':
      case 'patients-seen':
      case 'rows-released':
        return undefined
      default:
        return assertNever(event)
    }
  }
}
