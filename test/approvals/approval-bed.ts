import type { DemoEnvironment } from '../../demo/environment.ts'
import type { ApprovalRequest } from '../../src/approve/approval-request.ts'
import { type ConfigDocument, startTestbed, type Testbed } from '../support/testbed.ts'

/** Beds, of which agents may fill some; nothing of it is about anybody. */
const PREPARE = `
CREATE SCHEMA held;
CREATE TABLE held.bed (id integer PRIMARY KEY, kind text NOT NULL);
INSERT INTO held.bed SELECT n, 'free' FROM generate_series(1, 100) n;
CREATE VIEW held.free_bed AS SELECT id, kind FROM held.bed WHERE kind = 'free';
GRANT USAGE ON SCHEMA held TO chaperone_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON held.bed, held.free_bed TO chaperone_app;
`

const HOLD_BEDS = {
  name: 'beds',
  when: 'relations.exists(r, r.schema == "held" && r.action != "read") || functions.exists(f, f.contains("pg_sleep"))',
  effect: 'hold',
  message: 'beds are given by people',
}

export interface ApprovalBedOptions {
  readonly wait?: string
  readonly waitInTransaction?: string
  readonly configure?: (document: ConfigDocument, environment: DemoEnvironment) => void | Promise<void>
}

/** What an officer asks of a gateway. */
export interface ApprovalsApi {
  /** Pending requests, newest first. */
  pending(): Promise<readonly string[]>
  /** Waits until so many requests are pending. */
  asked(count?: number): Promise<readonly string[]>
  decide(id: string, verdict?: 'approve-once' | 'refuse'): Promise<ApprovalRequest>
  stateOf(id: string): Promise<string>
}

export interface ApprovalBed extends ApprovalsApi {
  readonly bed: Testbed
  /** What is in a bed, by the database itself. */
  kindOf(id: number): Promise<string>
  stop(): Promise<void>
}

const TIMEOUT_MS = 10_000

/** A gateway at which changes of beds are held, and an officer who decides with a token alone. */
export async function startApprovalBed(options: ApprovalBedOptions = {}): Promise<ApprovalBed> {
  const { wait = '20s', waitInTransaction = '20s', configure } = options
  const bed = await startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(PREPARE),
    configure: async (document, environment) => {
      document['listen'].web = { port: 0, publicUrl: 'http://127.0.0.1:6480' }
      document['phi'].labels['hospital']['held.*'] = 'none'
      document['rules'] = [HOLD_BEDS]
      document['packs'] = { guardrails: { disable: ['unbounded-write'] } }
      document['approvals'] = {
        pools: { chiefs: [{ group: 'privacy-officers' }] },
        default: { pools: ['chiefs'] },
        stepUp: 'tokenOnlyWithoutPasskey',
        wait,
        waitInTransaction,
        maxPending: 100,
      }
      await configure?.(document, environment)
    },
  })
  const admin = await bed.direct()
  const api = approvalsApi(
    () => bed.gateway.webPort,
    () => bed.token('officer'),
  )
  return {
    bed,
    ...api,
    kindOf: async (id) => (await admin.query(`SELECT kind FROM held.bed WHERE id = ${id}`)).rows[0]?.kind,
    stop: () => bed.stop(),
  }
}

export function approvalsApi(port: () => number | undefined, token: () => Promise<string>): ApprovalsApi {
  // oxlint-disable-next-line typescript/no-explicit-any -- what the API answers
  const answer = async (path: string, body?: unknown): Promise<any> => {
    const response = await fetch(`http://127.0.0.1:${port()}${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return JSON.parse(text)
  }
  const pending = async (): Promise<readonly string[]> => {
    const { requests } = await answer('/v1/approvals?state=pending')
    return requests.map(({ id }: { readonly id: string }) => id)
  }
  return {
    pending,
    asked: async (count = 1) => {
      const deadline = performance.now() + TIMEOUT_MS
      for (;;) {
        const found = await pending()
        if (found.length >= count) return found
        if (performance.now() > deadline) throw new Error(`${found.length} requests are pending, not ${count}`)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    },
    decide: (id, verdict = 'approve-once') =>
      answer(`/v1/approvals/${id}/decision`, { verdict: { kind: verdict }, rationale: 'looked at it' }),
    stateOf: async (id) => (await answer(`/v1/approvals/${id}`)).state,
  }
}

/** What a statement came to: its command tag, or the message of its error. */
export const outcomeOf = (result: Promise<{ readonly command: string }>): Promise<string> =>
  result.then(
    ({ command }) => command,
    (error: unknown) => (error instanceof Error ? error.message : 'no error'),
  )
