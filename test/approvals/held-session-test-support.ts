import { randomBytes } from 'node:crypto'
import type { RaiseAlert } from '../../src/alert/alert-event.ts'
import { ApprovalService } from '../../src/approve/approval-service.ts'
import type { ApprovalRecord } from '../../src/approve/approval-records.ts'
import type { Opinion } from '../../src/approve/approvals.ts'
import { MemoryApprovalRepository } from '../../src/approve/memory-approval-repository-test-support.ts'
import type { GrantConfig, RuleConfig } from '../../src/config/config.ts'
import { grantConfig, principalMatch, ruleConfig } from '../../src/config/policy-test-support.ts'
import type { ActivatedGrant } from '../../src/decide/decision.ts'
import { compilePolicy, type Policy } from '../../src/decide/policy.ts'
import type { Principal } from '../../src/identity/principal.ts'
import { VerifiedIdentity } from '../../src/identity/verified-identity.ts'
import type { Catalog, CatalogRelation } from '../../src/inspect/sql/catalog.ts'
import type { SqlInspector } from '../../src/inspect/sql/sql-inspector.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { compileLabels } from '../../src/phi/labels.ts'
import type {
  Admitted,
  AllowedVerdict,
  BoundValue,
  Execution,
  HoldEnd,
  KnownNames,
  Leave,
  OpenedTarget,
  WaitNotice,
} from '../../src/protocols/protocol.ts'
import type { Journal } from '../../src/record/journal.ts'
import { Doorman, type DoormanOptions } from '../../src/session/doorman.ts'
import type { SessionGate } from '../../src/session/gate.ts'
import { TargetState } from '../../src/session/target-state.ts'

const START = 1_800_000_000_000
const HOUR = 3_600_000
export const NO_NAMES: KnownNames = { statement: () => undefined, cursor: () => undefined }

export const WARD: OpenedTarget = {
  backendPid: 1,
  serverVersion: '18',
  searchPath: ['public'],
  searchPathSetting: 'public',
  role: 'app',
  settings: 'a',
}

export const NURSE: Principal = {
  issuer: 'idp',
  subject: 'agent-1',
  kind: 'agent',
  name: 'Agent',
  groups: [],
  purpose: 'TREAT',
  run: 'run-1',
  onBehalfOf: [{ issuer: 'idp', subject: 'dr-who', kind: 'human', groups: [] }],
}

export const HOLD_WRITES: RuleConfig = ruleConfig({
  name: 'writes',
  when: '"write" in effects || "delete" in effects',
  effect: 'hold',
  message: 'a write needs a second pair of eyes',
})

const relation = (
  oid: number,
  name: string,
  version: string,
  more: Partial<CatalogRelation> = {},
): CatalogRelation => ({
  oid,
  schema: 'public',
  name,
  kind: 'r',
  columns: ['id', 'kind'].map((column, at) => ({ attnum: at + 1, name: column, typeOid: at === 0 ? 23 : 25 })),
  dependsOn: [],
  callsUserFunctions: false,
  parents: [],
  version,
  isPlain: true,
  ...more,
})

export interface CatalogVersions {
  readonly bed?: string
  readonly view?: string
  readonly other?: string
}

const catalogOf = ({ bed = '1', view = '1', other = '1' }: CatalogVersions): Catalog => ({
  epoch: `${bed} ${view} ${other}`,
  serverMajor: 18,
  relations: [
    relation(20_001, 'bed', bed),
    relation(20_002, 'free_bed', view, { kind: 'v', dependsOn: [{ oid: 20_001, attnum: 1 }] }),
    relation(20_003, 'other', other),
  ],
  userFunctions: [],
  userOperators: [],
  userTypes: [],
})

export const APPROVER = {
  member: { issuer: 'idp', subject: 'dr-strange', kind: 'human' },
  isDelegated: false,
  pools: new Set(['chiefs']),
} as const

export const ONCE: Opinion = { verdict: { kind: 'approve-once' }, rationale: 'it is needed today' }

interface HospitalOptions {
  readonly inspector: SqlInspector
  readonly rules?: readonly RuleConfig[]
  readonly grants?: readonly GrantConfig[]
  readonly options?: Partial<DoormanOptions>
  readonly waitMs?: number
}

const CLEAR = grantConfig({
  name: 'ward',
  principals: [principalMatch({ kind: 'agent' }), principalMatch({ kind: 'human' })],
  targets: ['hospital', 'annex'],
  clearance: { default: 'clear', classes: {} },
})

/** A gateway without sockets: everything from the login to the journal, with approvals in memory. */
export function hospital({
  inspector,
  rules = [HOLD_WRITES],
  grants = [CLEAR],
  options = {},
  waitMs,
}: HospitalOptions) {
  let now = START
  let versions: CatalogVersions = {}
  let policyVersion = 1
  let activated: readonly ActivatedGrant[] = []
  let given: readonly GrantConfig[] = grants
  let principal: Principal = NURSE
  let lifetime = 10 * HOUR
  const policies = new Map<string, Policy>()
  const policy = (): Policy => {
    const key = `sha256:${policyVersion}`
    const known = policies.get(key)
    if (known !== undefined) return known
    const compiled = compilePolicy({
      grants: given,
      rules,
      packs: { guardrails: { disable: ['unbounded-write', 'phi-change', 'bulk-export'] } },
      phi: { predicates: { default: 'allow', classes: {} } },
      policyVersion: key,
      approvals: { default: { pools: ['chiefs'], quorum: 1 } },
    })
    policies.set(key, compiled)
    return compiled
  }
  const targets = new Map(
    ['hospital', 'annex'].map((name) => [
      name,
      new TargetState({
        target: name,
        labels: compileLabels([{ pattern: 'public.*', label: 'none' }]),
        unlabelledColumns: 'mask',
        trustedFunctions: [],
        patientKeys: [],
        catalogCheck: 'strict',
        clock: () => now,
        inspector,
        load: () => Promise.resolve(catalogOf(versions)),
      }),
    ]),
  )
  const records: { kind: string; what: Record<string, unknown>; body: string | undefined }[] = []
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members that are used
  const journal = {
    failed: undefined,
    writtenSeq: 0,
    durableSeq: 0,
    append: ({ kind, what }: { readonly kind: string; readonly what: string }, body?: string) =>
      records.push({ kind, what: JSON.parse(what), body }),
  } as unknown as Journal
  const repository = new MemoryApprovalRepository()
  repository.now = now
  const decisions: ApprovalRecord[] = []
  const service = new ApprovalService({
    config: {
      stepUp: 'tokenOnlyWithoutPasskey',
      requestLifetime: HOUR,
      maxApproval: HOUR,
      maxPending: 100,
      webhooks: [],
    },
    publicUrl: 'https://gateway.example',
    repository,
    signing: {
      hasPasskey: () => Promise.resolve(false),
      challenge: () => Promise.reject(new Error('not asked')),
      verify: () => Promise.reject(new Error('not asked')),
    },
    key: randomBytes(32),
    recorder: {
      record: (record) => {
        decisions.push(record)
        return Promise.resolve()
      },
    },
    effects: { access: () => Promise.resolve(true), policy: () => Promise.resolve(true) },
    isRevoked: () => false,
    onInvalid: () => undefined,
    onBackgroundError: () => undefined,
    onMessages: () => undefined,
    clock: () => now,
    sweepMs: HOUR,
    pollMs: 10,
  })
  const alerts: Parameters<RaiseAlert>[0][] = []
  const doorman = new Doorman({
    verify: () =>
      VerifiedIdentity.ofVerifiedToken({
        principal,
        issuerUrl: 'https://idp',
        audience: 'a',
        issuedAt: START,
        expiresAt: now + lifetime,
        tokenDigest: '0123456789abcdef',
      }),
    policy,
    activated: () => activated,
    targets,
    minimumGroupSize: undefined,
    inspector,
    journal,
    clock: () => now,
    onPolicyError: () => undefined,
    approvals: { service, waitMs: waitMs ?? 30, waitInTransactionMs: waitMs ?? 30 },
    raise: (event) => alerts.push(event),
    ...options,
  })
  return {
    service,
    repository,
    records,
    alerts,
    doorman,
    open: async (target = 'hospital', opened: Partial<OpenedTarget> = {}): Promise<HeldSession> => {
      const admission = await doorman.admit({
        token: 't',
        target,
        user: 'u',
        applicationName: 'x',
        peer: { address: '127.0.0.1', port: 1, loopback: true },
        encrypted: true,
      })
      const session = doorman.sessionOf(admission)
      session.gate.opened({ ...WARD, ...opened })
      return new HeldSession(session.gate, (at) => session.reconsider(at))
    },
    decide: (id: string, opinion: Opinion = ONCE) => service.desk.decide(id, APPROVER, opinion, { kind: 'token-only' }),
    pending: () => [...repository.requests.values()].filter(({ state }) => state === 'pending').map(({ id }) => id),
    pass: (milliseconds: number): void => {
      now += milliseconds
      repository.now = now
    },
    now: () => now,
    as: (who: Principal, expiresIn = 10 * HOUR): void => {
      principal = who
      lifetime = expiresIn
    },
    changeCatalog: (changed: CatalogVersions): void => {
      versions = changed
    },
    changePolicy: (changed: readonly GrantConfig[] = given): void => {
      given = changed
      policyVersion++
    },
    activate: (grants_: readonly ActivatedGrant[]): void => {
      activated = grants_
    },
    close: () => service.close(),
  }
}

export interface Attempt {
  readonly parameters?: readonly BoundValue[]
  readonly names?: KnownNames
  readonly continues?: boolean
  readonly inTransaction?: boolean
}

/** What a protocol does with a statement, without one. */
export class HeldSession {
  readonly gate: SessionGate
  readonly reconsider: (now: number) => ChaperoneError | undefined
  readonly notices: WaitNotice[] = []
  /** Called with each notice. */
  onNotice: () => void = () => undefined
  #abort = new AbortController()

  constructor(gate: SessionGate, reconsider: (now: number) => ChaperoneError | undefined) {
    this.gate = gate
    this.reconsider = reconsider
  }

  end(reason: HoldEnd): void {
    this.#abort.abort(reason)
    this.#abort = new AbortController()
  }

  /** Whether it was run; else why not. */
  async run(sql: string, attempt: Attempt = {}): Promise<'run' | ChaperoneError> {
    const leave = await this.admit(sql, attempt)
    if (leave instanceof ChaperoneError) {
      this.gate.refused(leave, { via: 'simple', sql }, [])
      return leave
    }
    const permit = this.gate.request(leave, { via: 'simple', sql })
    this.gate.outcome(permit, { result: 'ok', tag: 'X', rows: 0, bytes: 0 }, undefined)
    return 'run'
  }

  async admit(sql: string, attempt: Attempt = {}): Promise<Leave | ChaperoneError> {
    const { names = NO_NAMES, parameters = [], continues = false, inTransaction = false } = attempt
    for (let count = 0; ; count++) {
      const verdict = await this.gate.judge(sql, names)
      if (verdict.kind === 'refused') return verdict.error
      const admitted = await this.gate.admit(this.#execution(sql, verdict, count, parameters, continues, inTransaction))
      if (admitted !== 'renew') return admitted
    }
  }

  #execution(
    sql: string,
    verdict: AllowedVerdict,
    attempt: number,
    parameters: readonly BoundValue[],
    continues: boolean,
    inTransaction: boolean,
  ): Execution {
    return {
      verdict,
      via: 'simple',
      sql,
      parameters,
      sent: { sql, parameters },
      index: undefined,
      continues,
      attempt,
      inTransaction: () => inTransaction,
      hold: () => Promise.resolve(true),
      say: (notice) => {
        this.notices.push(notice)
        this.onNotice()
      },
      signal: this.#abort.signal,
    }
  }
}

export const codeOf = (result: 'run' | Leave | ChaperoneError | Admitted): string =>
  result instanceof ChaperoneError ? result.code : 'run'

export const idIn = (result: 'run' | ChaperoneError): string =>
  (result instanceof ChaperoneError ? /apr-[0-9A-Za-z]+/.exec(result.message)?.[0] : undefined) ?? ''
