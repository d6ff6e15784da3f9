import type { Alert } from './alert.ts'

/** What receivers get: names, codes and counts. */
export function alertBody(alert: Alert, gateway: string): Readonly<Record<string, unknown>> {
  const { id, kind, severity, title, details, source, repeated, heldBack } = alert
  return {
    type: 'alert',
    id,
    kind,
    severity,
    title,
    details,
    chain: source.chain,
    target: source.target,
    session: source.session,
    at: new Date(source.at).toISOString(),
    repeated,
    heldBack,
    gateway,
  }
}
