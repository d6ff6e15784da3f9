import { z } from 'zod'
import type { ApprovalRequest } from '../approve/approval-request.ts'
import type { ApproverDesk } from '../approve/approvals.ts'
import type { Config } from '../config/config.ts'
import { access } from '../decide/access.ts'
import type { Access } from '../decide/decision.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { dialPostgres } from '../forward/postgres-target.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { rowQueries } from '../inspect/sql/row-queries.ts'
import type { SqlInspector } from '../inspect/sql/sql-inspector.ts'
import type { Clock } from '../lib/clock.ts'
import { asChaperoneError } from '../lib/errors.ts'
import { schemasOf } from '../protocols/postgres/login-checks.ts'
import { Planner } from '../protocols/postgres/planner.ts'
import { Previewer } from '../protocols/postgres/preview.ts'
import type { Journal } from '../record/journal.ts'
import type { DoormanOptions } from '../session/doorman.ts'
import { touchedRows } from '../session/preview.ts'
import type { TargetState } from '../session/target-state.ts'
import type { Preview } from '../web/web-services.ts'
import { recordProbe } from './journal.ts'
import type { Log } from './log.ts'
import type { OpenedPolicy } from './policy-service.ts'
import { frameLimits } from './postgres-host.ts'

export interface QuestionParts {
  readonly config: Config
  readonly credentials: CredentialResolver
  readonly journal: Journal
  readonly targets: ReadonlyMap<string, TargetState>
  readonly inspector: SqlInspector
  readonly policy: OpenedPolicy
  /** Undefined: nobody decides, so that nobody looks. */
  readonly desk: ApproverDesk | undefined
  readonly clock: Clock
  readonly log: Log
}

/** What the gateway asks targets on behalf of decisions: the planner's estimate, and the rows that a held write would touch. */
export interface TargetQuestions {
  readonly estimateRows: NonNullable<DoormanOptions['estimateRows']>
  preview(request: ApprovalRequest, identity: VerifiedIdentity): Promise<Preview | undefined>
  close(): void
}

interface Asked {
  readonly planner: Planner
  readonly previewer: Previewer
}

/** As sessions write it into requests. */
const exactOperation = z.object({
  statement: z.string(),
  parameters: z.array(z.object({ typeOid: z.number(), format: z.number(), value: z.string().nullable() })),
  searchPath: z.string(),
  role: z.string(),
})

export function openQuestions(parts: QuestionParts): TargetQuestions {
  const { config, credentials, journal, log } = parts
  const limits = frameLimits(config)
  const asked = new Map(
    Object.values(config.targets).map((target): readonly [string, Asked] => {
      const dial = () => dialPostgres(target, credentials)
      const probe = (purpose: string) => () => recordProbe(journal, target.name, purpose)
      return [
        target.name,
        {
          planner: new Planner({ dial, limits, probe: probe('estimate'), rowQueries }),
          previewer: new Previewer({ dial, limits, probe: probe('preview') }),
        },
      ]
    }),
  )
  return {
    estimateRows: ({ target, ...question }) =>
      asked.get(target)?.planner.estimate(question) ?? Promise.resolve(undefined),
    preview: async (request, identity) => {
      try {
        return await preview(request, identity, parts, asked)
      } catch (error) {
        const { code, reason } = asChaperoneError(error)
        log.warn({ request: request.id, code, reason }, 'the rows of a held statement could not be shown')
        return undefined
      }
    },
    close: () => {
      for (const { planner, previewer } of asked.values()) {
        planner.close()
        previewer.close()
      }
    },
  }
}

/**
 * What is clear to somebody in any row of any table. Who may see some tables or some patients only would be refused the rest, and
 * whose row it is nobody knows here.
 */
const clearedBy = (own: Access | undefined): Access['clearance']['clears'] =>
  own === undefined || own.relations.length > 0 || own.patients !== undefined
    ? () => false
    : (phiClass) => own.clearance.clears(phiClass)

/** Masked for whoever looks, by their own grants for the target; without one everything is. */
async function preview(
  { id, subject }: ApprovalRequest,
  { principal }: VerifiedIdentity,
  { config, targets, inspector, policy, desk, clock }: QuestionParts,
  asked: ReadonlyMap<string, Asked>,
): Promise<Preview | undefined> {
  if (subject.kind !== 'operation') return undefined
  const name = subject.shown.target
  const [target, previewer] = [targets.get(name), asked.get(name)?.previewer]
  const exact = await desk?.exactOf(id)
  if (target === undefined || previewer === undefined || exact === undefined) return undefined
  const { statement, parameters, searchPath, role } = exactOperation.parse(JSON.parse(exact))
  const moment = { now: clock(), activated: policy.inForce.activated }
  return touchedRows(
    { statement, parameters, searchPath, schemas: schemasOf(searchPath, role) },
    clearedBy(access(policy.inForce.policy, principal, name, moment)),
    {
      target,
      inspector,
      minimumGroupSize: config.phi.minimumGroupSize,
      clock,
      read: (query, path, plan) => previewer.read(query, path, plan),
    },
  )
}
