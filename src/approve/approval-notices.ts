import { randomUUID } from 'node:crypto'
import { assertNever } from '../lib/assert-never.ts'
import type { OutboxMessage } from '../notify/outbox.ts'
import type { ApprovalRequest } from './approval-request.ts'

/** The states that people are told of; `used` is for the journal. */
const TOLD = {
  pending: 'requested',
  approved: 'approved',
  refused: 'refused',
  expired: 'expired',
  withdrawn: 'withdrawn',
} as const

/**
 * A message for each webhook about the state that the request has come to. Free of PHI: names and classes, neither a statement nor
 * anything that a human has written.
 */
export function noticesOf(
  request: ApprovalRequest,
  url: string,
  now: number,
  webhooks: readonly { readonly name: string }[],
): readonly OutboxMessage[] {
  const { id, subject, chain, purpose, run, state, expiresAt } = request
  if (state === 'used' || webhooks.length === 0) return []
  const body = JSON.stringify({
    type: `approval.${TOLD[state]}`,
    timestamp: new Date(now).toISOString(),
    data: {
      request: id,
      kind: subject.kind,
      ...detailsOf(request),
      chain: chain.map((member) => ({ issuer: member.issuer, subject: member.subject, kind: member.kind })),
      purpose,
      run,
      pools: [...new Set(request.needs.flatMap(({ pools }) => pools))].toSorted(),
      rules: request.needs.map(({ rule }) => rule),
      expires: new Date(expiresAt).toISOString(),
      url,
    },
  })
  return webhooks.map(({ name }) => ({ id: `msg_${randomUUID()}`, webhook: name, body }))
}

function detailsOf({ subject }: ApprovalRequest): object {
  switch (subject.kind) {
    case 'operation': {
      const { target, commands, classes, relations } = subject.shown
      return { target, commands, classes, relations }
    }
    case 'access':
      return { grant: subject.shown.grant, targets: subject.shown.targets, minutes: subject.shown.durationMs / 60_000 }
    case 'policy':
      return { version: subject.shown.version, active: subject.shown.active }
    default:
      return assertNever(subject)
  }
}
