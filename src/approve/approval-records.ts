import { canonicalJson } from '../lib/canonical-json.ts'
import type { ApprovalRequest, Decision, RequestMember } from './approval-request.ts'
import type { DecisionSignature } from './decision-challenge.ts'

/** What the journal is told, as a record of kind `approval`. Header: free of PHI. */
export interface ApprovalRecord {
  /** The session of the operation; undefined for what belongs to none. */
  readonly session: string | undefined
  /** Whose request it is. */
  readonly who: { readonly chain: readonly string[]; readonly purpose?: string; readonly run?: string }
  readonly what: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** JSON for the encrypted body: what people wrote and were shown; '' for nothing. */
  readonly body: string
}

/** Resolves when the record is durable. Nothing takes effect before; rejects with CHP-RECORD-FAILED. */
export interface ApprovalRecorder {
  record(record: ApprovalRecord): Promise<void>
}

const keyOf = ({ issuer, subject }: Pick<RequestMember, 'issuer' | 'subject'>): string => `${issuer}/${subject}`

function record(
  request: ApprovalRequest,
  event: string,
  what: ApprovalRecord['what'] = {},
  body: object = {},
): ApprovalRecord {
  const { id, digest, state, subject, needs, chain, purpose, run, session } = request
  const target = subject.kind === 'operation' ? { target: subject.shown.target } : {}
  return {
    session,
    who: {
      chain: chain.map(keyOf),
      ...(purpose === undefined ? {} : { purpose }),
      ...(run === undefined ? {} : { run }),
    },
    what: {
      event,
      request: id,
      digest,
      subject: subject.kind,
      state,
      rules: needs.map(({ rule }) => rule),
      ...target,
      ...what,
    },
    body: bodyOf(body),
  }
}

/** Somebody asks: with all that approvers will be shown. */
export function requestedRecord(request: ApprovalRequest): ApprovalRecord {
  return record(
    request,
    'requested',
    { expires: new Date(request.expiresAt).toISOString() },
    { shown: request.subject.shown },
  )
}

/** With the passkey's signature, so that the decision can be verified by whoever has the journal. */
export function decidedRecord(
  request: ApprovalRequest,
  { by, verdict, pools, stepUp, rationale }: Decision,
  signature: DecisionSignature | undefined,
): ApprovalRecord {
  const what = {
    by: keyOf(by),
    verdict: verdict.kind,
    pools,
    stepUp: stepUp.kind,
    ...(verdict.kind === 'approve-timed' ? { minutes: verdict.minutes } : {}),
    ...(stepUp.kind === 'passkey' ? { passkey: stepUp.credential } : {}),
    ...(request.state === 'approved'
      ? { holds: request.holds ?? 'once', until: new Date(request.expiresAt).toISOString() }
      : {}),
  }
  return record(request, 'decided', what, { rationale, signature })
}

/** What happens without a decision. */
export function changedRecord(request: ApprovalRequest, event: 'used' | 'expired' | 'withdrawn'): ApprovalRecord {
  return record(request, event)
}

/** Credentials are public; names that people gave them are not needed here. */
export function passkeyRecord(
  of: Pick<RequestMember, 'issuer' | 'subject'>,
  what: ApprovalRecord['what'],
  body: object = {},
): ApprovalRecord {
  return { session: undefined, who: { chain: [keyOf(of)] }, what, body: bodyOf(body) }
}

const bodyOf = (body: object): string => (Object.keys(body).length === 0 ? '' : canonicalJson(body))
