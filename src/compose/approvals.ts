import type { RaiseAlert } from '../alert/alert-event.ts'
import type { ApprovalEffects } from '../approve/approval-options.ts'
import type { ApprovalRecorder } from '../approve/approval-records.ts'
import type { RequestMember } from '../approve/approval-request.ts'
import { ApprovalService } from '../approve/approval-service.ts'
import { Passkeys } from '../approve/passkeys.ts'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { makeKeyFile } from '../config/key-file.ts'
import { readKey } from '../config/secret-key.ts'
import { memberKey } from '../identity/principal.ts'
import type { Revocations } from '../identity/revocations.ts'
import { systemClock } from '../lib/clock.ts'
import { steadyClock } from '../lib/steady-clock.ts'
import type { WebhookSender } from '../notify/webhook-sender.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import type { DoormanOptions } from '../session/doorman.ts'
import { approvalRepository } from '../store/approval-repository.ts'
import type { Store } from '../store/open-store.ts'
import { passkeyRepository } from '../store/passkey-repository.ts'
import type { DurableAppend } from './durable-records.ts'
import type { Log } from './log.ts'

export interface ApprovalParts {
  readonly config: Config
  readonly environment: Environment
  readonly store: Store | undefined
  readonly webhooks: WebhookSender | undefined
  readonly append: DurableAppend
  readonly effects: ApprovalEffects
  readonly revocations: Pick<Revocations, 'voids'>
  readonly raise: RaiseAlert
  readonly log: Log
}

export interface OpenedApprovals {
  readonly service: ApprovalService
  readonly passkeys: Passkeys
}

/** Requests to people; undefined where the configuration has none. */
export function openApprovals(parts: ApprovalParts): OpenedApprovals | undefined {
  const { config, environment, store, webhooks, append, effects, revocations, raise, log } = parts
  const { approvals, listen } = config
  if (approvals === undefined || listen.web === undefined || store === undefined) return undefined
  if (approvals.keyIsOwn && approvals.key.kind === 'file' && makeKeyFile(approvals.key.file, 'base64')) {
    log.info(
      { file: approvals.key.file },
      'made a key for the statements of requests; all gateways of a store need the same',
    )
  }
  const { publicUrl } = listen.web
  const key = readKey(approvals.key, 'approvals.key', environment)
  const clock = steadyClock(systemClock)
  const recorder = recorderOf(append)
  const alarm = (request: string, by: RequestMember, reason: string) =>
    raise({ kind: 'approval-invalid', request, reason }, { chain: [memberKey(by)], at: clock() })
  const passkeys = new Passkeys({
    repository: passkeyRepository(store),
    publicUrl,
    key,
    recorder,
    onRegistered: (by) => raise({ kind: 'passkey-registered' }, { chain: [memberKey(by)], at: clock() }),
    clock,
  })
  const service = new ApprovalService({
    config: approvals,
    publicUrl,
    repository: approvalRepository(store, clock),
    signing: passkeys,
    key,
    recorder,
    effects,
    isRevoked: (member, at) => revocations.voids(memberKey(member), at),
    onInvalid: alarm,
    onBackgroundError: ({ code, reason }) => log.warn({ code, reason }, 'approvals'),
    onMessages: () => webhooks?.wake(),
    clock,
  })
  return { service, passkeys }
}

/** How sessions ask for approvals; undefined: what is held is refused. */
export function sessionApprovals(
  { approvals: settings }: Config,
  approvals: OpenedApprovals | undefined,
): DoormanOptions['approvals'] {
  if (settings === undefined || approvals === undefined) return undefined
  const { wait, waitInTransaction } = settings
  return { service: approvals.service, waitMs: wait, waitInTransactionMs: waitInTransaction }
}

const recorderOf = (append: DurableAppend): ApprovalRecorder => ({
  record: ({ session, who, what, body }) =>
    append({ kind: 'approval', session: session ?? NO_SESSION, op: 0, what: fragment(what), who: fragment(who) }, body),
})
