import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { decodeJwt } from 'jose'
import { adminAsk } from '../cli/admin-client.ts'
import type { Terminal } from '../cli/terminal.ts'
import type { Config } from '../src/config/config.ts'
import type { AlertReceiver } from './alert-receiver.ts'
import { RUN_BUDGET } from './controls.ts'
import type { DemoEnvironment } from './environment.ts'
import type { TourClient } from './tour-client.ts'

export interface ControlStopOptions {
  readonly demo: DemoEnvironment
  readonly config: Config
  readonly client: TourClient
  readonly out: Terminal
  readonly receiver: AlertReceiver
  /** Of the web listener. */
  readonly url: string
}

const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url))
const DECISION_MS = 20_000
const ALERT_MS = 5000
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** How many there are. */
export const CONTROL_STOPS = 6

/** The stops about who may do what: delegation, an approval, a budget, policy tests, the kill switch. */
export async function showControls(first: number, options: ControlStopOptions): Promise<void> {
  let number = first
  const title = (text: string) => {
    options.out.line('')
    options.out.line(options.out.bold(`${number++}. ${text}`))
  }
  const run = `demo-${randomUUID().slice(0, 8)}`
  title('The agent acts for a clinician: two tokens become one that names both, for treatment, for minutes.')
  const token = await delegated(run, options)
  title('In that chain the agent changes prescriptions. The statement waits on the wire; a privacy officer decides.')
  await showApproval(run, token, options)
  title(
    `What an agent may see for a clinician is limited to ${RUN_BUDGET} rows a run: the first row too many is not released.`,
  )
  await show(['SELECT count(*) FROM hospital.encounters', 'SELECT sex, state FROM hospital.patients'], token, options)
  title('The policy has unit tests, and what was decided can be decided again by another version.')
  for (const command of ['test', 'replay'])
    await showCommand(['policy', command, '-c', options.config.file], options.out)
  title('The kill switch: an operator ends the run, wherever it is connected.')
  await showKill(run, token, options)
  title('Operators were told.')
  await delay(ALERT_MS)
  for (const line of options.receiver.received) options.out.line(`   ${line}`)
}

/** RFC 8693. */
async function delegated(run: string, { demo, url, out }: ControlStopOptions): Promise<string> {
  const answer = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await demo.token('clinician'),
      subject_token_type: ACCESS_TOKEN,
      actor_token: await demo.token('agent'),
      actor_token_type: ACCESS_TOKEN,
      purpose: 'TREAT',
      run,
    }),
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- RFC 8693, section 2.2.1
  const { access_token: token, error_description: why } = (await answer.json()) as Record<string, string>
  if (token === undefined) throw new Error(`the exchange failed: ${why}`)
  const { sub, act, purpose_of_use: purpose, exp = 0, iat = 0 } = decodeJwt(token)
  out.line(`   ${JSON.stringify({ sub, act, purpose, run, minutes: (exp - iat) / 60 })}`)
  return token
}

async function show(statements: readonly string[], token: string, { client, out }: ControlStopOptions): Promise<void> {
  for (const { statement, output } of await client.run(token, statements)) {
    out.line(out.dim(`   agent for a clinician> ${statement}`))
    const lines = output.split('\n').filter((line) => line !== '')
    for (const line of lines.slice(0, 4)) out.line(`   ${line}`)
    if (lines.length > 8) out.line(out.dim(`   … ${lines.length - 8} lines …`))
    for (const line of lines.slice(Math.max(4, lines.length - 4))) out.line(`   ${line}`)
  }
}

async function showApproval(run: string, token: string, options: ControlStopOptions): Promise<void> {
  const statement = "UPDATE hospital.medications SET refills = 1 WHERE refills = 0 AND started_on >= '2024-01-01'"
  await Promise.all([show([statement], token, options), decide(run, options)])
}

/** As the officer would on the page, through the same API. */
async function decide(run: string, { demo, url, out }: ControlStopOptions): Promise<void> {
  const headers = { authorization: `Bearer ${await demo.token('officer')}`, 'content-type': 'application/json' }
  const deadline = Date.now() + DECISION_MS
  while (Date.now() < deadline) {
    const answer = await fetch(`${url}/v1/approvals?state=pending`, { headers })
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of the demo answers this
    const { requests = [] } = (await answer.json()) as { requests?: readonly { id: string; run?: string }[] }
    const request = requests.find((one) => one.run === run)
    if (request !== undefined) {
      out.line(`   officer> sees ${request.id} at ${url}/approvals/${request.id} and approves it once`)
      const decision = { verdict: { kind: 'approve-once' }, rationale: 'Refills were agreed with the pharmacy.' }
      const decided = await fetch(`${url}/v1/approvals/${request.id}/decision`, {
        method: 'POST',
        headers,
        body: JSON.stringify(decision),
      })
      if (!decided.ok) throw new Error(`the decision failed: ${await decided.text()}`)
      return
    }
    await delay(500)
  }
  throw new Error('nothing was held')
}

async function showCommand(args: readonly string[], out: Terminal): Promise<void> {
  out.line(out.dim(`   $ chaperone ${args.slice(0, 2).join(' ')}`))
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args])
  for (const line of stdout.trimEnd().split('\n').slice(-6)) out.line(`   ${line}`)
}

async function showKill(run: string, token: string, options: ControlStopOptions): Promise<void> {
  const { config, out } = options
  const query = new URLSearchParams({ what: 'run', value: run, reason: 'the tour shows it' })
  const kill = async () => {
    await delay(1000)
    const { body } = await adminAsk(config.admin, 'POST', `/v1/kill?${query.toString()}`)
    out.line(`   $ chaperone kill run ${run}: ${body.trim()}`)
  }
  await Promise.all([show(['SELECT pg_sleep(5)'], token, options), kill()])
}
