import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import * as consumers from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesBelow, found } from '../support/canary-search.ts'
import { type ApprovalBed, approvalsApi, outcomeOf, startApprovalBed } from './approval-bed.ts'

/** What must not be in clear text anywhere but at the target, by where it comes from. */
const CANARY = {
  literal: 'Quuxaliteral',
  parameter: 'Quuxbparameter',
  comment: 'Quuxccomment',
  dollar: 'Quuxddollar',
  alias: 'Quux ealias',
  cursor: 'Quux fcursor',
  savepoint: 'Quux gsavepoint',
  relation: 'Quux hrelation',
  rationale: 'Quuxirationale',
  refusal: 'Quuxjrefusal',
  lastName: 'Quuxkperson',
  newValue: 'Quuxlnewvalue',
  justification: 'Quuxmjustification',
} as const
const ALL = Object.values(CANARY)
const PATIENT = 'aaaaaaaa-0000-4000-8000-00000000c0de'

const received: Buffer[] = []
let held: ApprovalBed
let webhooks: Server
let syslog: TcpServer

beforeAll(async () => {
  webhooks = createServer((request, response) => {
    void consumers.buffer(request).then((body) => {
      received.push(Buffer.from(JSON.stringify(request.headers)), body)
      response.writeHead(204).end()
    })
  })
  syslog = createTcpServer((socket) => void socket.on('data', (chunk) => received.push(chunk)))
  const [webhookPort, syslogPort] = await Promise.all([listening(webhooks), listening(syslog)])
  held = await startApprovalBed({
    wait: '1s',
    configure: async (document, environment) => {
      const file = join(environment.directory, 'webhook-secret')
      await writeFile(file, `whsec_${randomBytes(32).toString('base64')}`, { mode: 0o600 })
      const webhook = { url: `http://127.0.0.1:${webhookPort}/`, secret: { file } }
      document['rules'] = [
        {
          name: 'writes',
          when: '"write" in effects || "delete" in effects || functions.exists(f, f.contains("pg_sleep"))',
          effect: 'hold',
          message: 'changes are made by people',
        },
        { name: 'told', when: '"write" in effects', effect: 'alert', message: 'a change' },
      ]
      document['packs'] = { guardrails: { disable: ['unbounded-write', 'phi-change'] } }
      document['approvals'].pools = { chiefs: [{ kind: 'human' }] }
      document['approvals'].webhooks = [{ name: 'people', ...webhook }]
      document['alerts'] = {
        webhooks: [{ name: 'operators', ...webhook }],
        syslog: [{ transport: 'tcp', host: '127.0.0.1', port: syslogPort }],
        refusals: { count: 1, within: '5m' },
      }
      // What is clear to an approver is so in these tables only.
      document['grants'].push({
        name: 'clinicians-see-beds',
        principals: [{ group: 'clinicians' }],
        targets: ['hospital'],
        tables: ['held.*'],
        clearance: { default: 'clear' },
      })
      document['grants'].push({
        name: 'on-request',
        principals: [{ kind: 'agent' }],
        targets: ['hospital'],
        clearance: { default: 'clear' },
        onRequest: { maxDuration: '1h', pools: ['chiefs'], quorum: 1 },
      })
    },
  })
  const admin = await held.bed.direct()
  await admin.query(
    `INSERT INTO hospital.patients (id, sex, state, zip, registered_at, mrn, ssn, first_name, last_name, birth_date, phone, email, street, city)
     VALUES ($1, 'X', 'MA', '02139', now(), 'QX-1', '900-00-0000', $2, $2, '1980-01-01', '555', $3, $2, $2)`,
    [PATIENT, CANARY.lastName, `${CANARY.lastName}@example.org`],
  )
}, 120_000)
afterAll(async () => {
  await held?.stop()
  webhooks?.close()
  webhooks?.closeAllConnections()
  syslog?.close()
})

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port')
}

/** An approver for whom nothing of patients is clear. */
const uncleared = () =>
  approvalsApi(
    () => held.bed.gateway.webPort,
    () => held.bed.token('clinician'),
  )

async function asked(path: string, body?: unknown, who: 'clinician' | 'officer' | 'agent' = 'clinician') {
  const response = await fetch(`http://127.0.0.1:${held.bed.gateway.webPort}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${await held.bed.token(who)}`, 'content-type': 'application/json' },
  })
  return { status: response.status, text: await response.text() }
}

const idIn = (told: string): string => /apr-[0-9a-z]+/.exec(told)?.[0] ?? expect.fail(told)

describe('what a statement says', () => {
  const ids: string[] = []
  const tickets: string[] = []

  it('is asked for, refused, approved, used, previewed and left to time out', async () => {
    const agent = await held.bed.connect('agent')
    const officer = await held.bed.connect('officer')
    const ticket = async (sql: string, values: readonly string[] = []): Promise<string> => {
      const told = await outcomeOf(agent.query(sql, [...values]))
      tickets.push(told)
      ids.push(idIn(told))
      return ids.at(-1) ?? ''
    }
    const update = `UPDATE held.bed SET kind = '${CANARY.literal}' WHERE id = 1 /* ${CANARY.comment} */`
    await uncleared().decide(await ticket(update))
    expect(await outcomeOf(agent.query(update))).toBe('UPDATE')
    await ticket('UPDATE held.bed SET kind = $1 WHERE id = 2', [CANARY.parameter])
    await ticket(`UPDATE held.bed SET kind = $q$${CANARY.dollar}$q$ WHERE id = 3`)
    await ticket(`SELECT kind AS "${CANARY.alias}" FROM held.bed WHERE pg_sleep(0) IS NOT NULL`)
    await agent.query('BEGIN')
    await agent.query(`SAVEPOINT "${CANARY.savepoint}"`)
    tickets.push(await outcomeOf(agent.query(`DECLARE "${CANARY.cursor}" CURSOR FOR SELECT pg_sleep(0)`)))
    await agent.query('ROLLBACK')
    tickets.push(await outcomeOf(agent.query(`UPDATE held."${CANARY.relation}" SET kind = 'x'`)))
    const written = await ticket(`UPDATE held.bed SET kind = 'free' WHERE id = 9`)
    const refusal = await asked(`/v1/approvals/${written}/decision`, {
      verdict: { kind: 'refuse' },
      rationale: CANARY.refusal,
    })
    expect(refusal.status).toBe(200)
    tickets.push(await outcomeOf(agent.query(`UPDATE held.bed SET kind = 'free' WHERE id = 9`)))
    const told = await outcomeOf(
      officer.query(`UPDATE hospital.patients SET city = '${CANARY.newValue}' WHERE last_name = '${CANARY.lastName}'`),
    )
    const preview = await asked(`/v1/approvals/${idIn(told)}/preview`, {})
    ids.push(idIn(told))
    expect(preview.status, preview.text).toBe(200)
    expect(JSON.parse(preview.text)).toMatchObject({ total: 1 })
    expect(found(ALL, Buffer.from(preview.text))).toEqual([])
    const approved = await asked(`/v1/approvals/${idIn(told)}/decision`, {
      verdict: { kind: 'approve-once' },
      rationale: CANARY.rationale,
    })
    expect(approved.status).toBe(200)
    const access = await asked(
      '/v1/access-requests',
      { grant: 'on-request', durationSeconds: 600, justification: CANARY.justification },
      'agent',
    )
    expect(access.status, access.text).toBe(201)
  }, 60_000)

  it('is in no answer that people get who are not cleared, and in no error', async () => {
    expect(tickets.join('\n')).toContain('CHP-APPROVAL-REFUSED')
    expect(found(ALL, Buffer.from(tickets.join('\n').replaceAll(CANARY.relation, '')))).toEqual([])
    const written: string[] = [CANARY.rationale, CANARY.refusal, CANARY.justification]
    const secrets = ALL.filter((one) => !written.includes(one))
    for (const id of ids) expect(found(secrets, Buffer.from((await asked(`/v1/approvals/${id}`)).text))).toEqual([])
    expect(found(secrets, Buffer.from((await asked('/v1/approvals')).text))).toEqual([])
  })

  it('is in no message, log or file, of the journal and the store neither', async () => {
    await expect.poll(() => received.length, { timeout: 10_000 }).toBeGreaterThan(20)
    const messages = Buffer.concat(received)
    expect(found(ALL, messages)).toEqual([])
    // It is there that they were looked for.
    expect(messages.includes(ids[0] ?? '-')).toBe(true)
    for (const part of ['approval.requested', 'approval.refused', '"kind":"rule"', 'chaperone@32473 id=']) {
      expect(messages.includes(part), part).toBe(true)
    }
    expect(found(ALL, Buffer.from(held.bed.log.join('\n')))).toEqual([])
    const files = filesBelow(held.bed.config.state)
    expect(files.length).toBeGreaterThan(20)
    for (const file of files) expect(found(ALL, readFileSync(file)), file).toEqual([])
    const withRequest = files.filter((file) => readFileSync(file).includes(ids[0] ?? ''))
    expect(withRequest.join('\n')).toMatch(/pg_wal/)
    expect(withRequest.join('\n')).toMatch(/journal/)
  })
})
