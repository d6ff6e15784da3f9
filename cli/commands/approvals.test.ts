import { afterEach, describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../src/lib/errors.ts'
import type { WebListener } from '../../src/web/web-listener.ts'
import type { AccessService, ApprovalService } from '../../src/web/web-services.ts'
import { approvalsOf, FakeDesk, memberOf, operationRequest, startTestListener } from '../../src/web/web-test-support.ts'
import { type CommandContext, terminal } from '../terminal.ts'
import { approvalsCommand } from './approvals.ts'
import { requestsCommand } from './requests.ts'

const ID = 'apr-0123456789ab'

const access: AccessService = {
  requestable: () => [{ name: 'break-glass', targets: ['hospital'], clearance: 'clear', maxDurationMs: 3_600_000 }],
  request: async (_, { grant, durationMs, justification }) => {
    if (grant !== 'break-glass') throw new ChaperoneError('CHP-AUTH-REFUSED')
    const shown = { grant, targets: ['hospital'], clearance: 'clear', durationMs, justification }
    const request = operationRequest('apr-access', { chain: [memberOf('agent')], subject: { kind: 'access', shown } })
    desk.requests.set(request.id, { ...request, state: 'refused' })
    return request
  },
}

let listener: WebListener | undefined
let desk: FakeDesk

afterEach(async () => {
  await listener?.close()
  process.exitCode = undefined
})

async function start(more: Partial<ApprovalService> = {}): Promise<void> {
  desk = new FakeDesk(operationRequest(ID))
  listener = await startTestListener({ access, approvals: approvalsOf(desk, more) })
}

/** Runs a command as somebody, and returns what it wrote. */
async function run(who: string, args: readonly string[]) {
  let out = ''
  let err = ''
  const streams = {
    stdout: { write: (text: string) => ((out += text), true) },
    stderr: { write: (text: string) => ((err += text), true) },
    env: {},
  }
  const environment = { CHAPERONE_TOKEN: who }
  const context: CommandContext = { environment, out: terminal(streams) }
  const [name, ...rest] = args
  const command = name === 'approvals' ? approvalsCommand(context) : requestsCommand(context)
  process.exitCode = undefined
  await command.parseAsync([...rest, '--gateway', `http://127.0.0.1:${listener?.port ?? 0}`], { from: 'user' })
  return { out, err, code: process.exitCode ?? 0 }
}

describe('chaperone approvals', () => {
  it('lists and shows what waits', async () => {
    await start()
    expect((await run('ana', ['approvals', 'ls'])).out).toMatch(/apr-0123456789ab\s+pending\s+UPDATE on hospital/)
    expect((await run('ana', ['approvals', 'ls', '--state', 'refused'])).out).toBe('There is no such request.\n')
    const shown = await run('ana', ['approvals', 'show', ID])
    expect(shown.out).toContain('agent:executor (agent, dev/agent:executor), acting for Dr. Carla Care')
    expect(shown.out).toContain('UPDATE hospital.patients SET phone = $1')
    expect(JSON.parse((await run('ana', ['approvals', 'show', ID, '--json'])).out)).toMatchObject({
      id: ID,
      mayDecide: true,
    })
  })

  it('shows a preview, and nothing that a terminal would obey', async () => {
    await start({
      preview: async () => ({ columns: ['a'], rows: [['\u001b[2J'], [null]], total: 7, totalIsExact: false }),
    })
    const { out } = await run('ana', ['approvals', 'show', ID, '--preview'])
    expect(out).toContain('2 of more than 7 rows')
    expect(out).not.toContain('\u001b')
  })

  it('approves and denies where no passkey is asked for', async () => {
    await start()
    const args = ['--reason', 'agreed with the ward']
    const timed = await run('ana', ['approvals', 'approve', ID, '--minutes', '15', ...args])
    expect(timed.code).toBe(0)
    expect(desk.decided).toMatchObject([
      { opinion: { verdict: { kind: 'approve-timed', minutes: 15 }, rationale: 'agreed with the ward' } },
    ])
    await listener?.close()
    await start()
    expect((await run('ana', ['approvals', 'deny', ID, ...args])).code).toBe(0)
    expect(desk.decided).toMatchObject([{ opinion: { verdict: { kind: 'refuse' } } }])
  })

  it('points to the page where a passkey is needed, and waits for what is decided there', async () => {
    await start({ stepUp: 'passkey' })
    const waiting = run('ana', ['approvals', 'approve', ID, '--reason', 'agreed'])
    setTimeout(() => desk.requests.set(ID, operationRequest(ID, { state: 'refused' })), 500)
    const { err, code } = await waiting
    expect(err).toContain(`http://localhost:8443/approvals/${ID}`)
    expect(code).toBe(3)
    expect(desk.decided).toEqual([])
    desk.requests.set(ID, operationRequest(ID))
    expect((await run('ana', ['approvals', 'approve', ID, '--reason', 'agreed', '--timeout', '1'])).code).toBe(4)
  })

  it.each([
    ['agent', 'CHP-REQUEST-FORBIDDEN'],
    ['stranger', 'CHP-REQUEST-UNKNOWN'],
    ['expired', 'CHP-AUTH-FAILED'],
    ['revoked', 'CHP-AUTH-REVOKED'],
  ])('fails for %s with the code of the gateway', async (who, code) => {
    await start()
    await expect(run(who, ['approvals', 'approve', ID, '--reason', 'agreed'])).rejects.toMatchObject({ code })
    expect(desk.decided).toEqual([])
  })

  it('waits for a decision, and tells it by the exit code', async () => {
    await start()
    expect((await run('agent', ['approvals', 'watch', ID, '--timeout', '1'])).code).toBe(4)
    setTimeout(() => desk.requests.set(ID, operationRequest(ID, { state: 'approved' })), 300)
    expect((await run('agent', ['approvals', 'watch', ID])).code).toBe(0)
  })

  it('says when a token has no gateway, and when none answers', async () => {
    const context: CommandContext = {
      environment: { CHAPERONE_TOKEN: 'ana' },
      out: terminal({ stdout: { write: () => true }, stderr: { write: () => true }, env: {} }),
    }
    const bare = approvalsCommand(context).parseAsync(['ls'], { from: 'user' })
    await expect(bare).rejects.toMatchObject({ code: 'CHP-CONFIG-INVALID' })
    const nobody = approvalsCommand(context).parseAsync(['ls', '--gateway', 'http://127.0.0.1:1'], { from: 'user' })
    await expect(nobody).rejects.toMatchObject({ code: 'CHP-TARGET-UNREACHABLE' })
    const unsafe = approvalsCommand(context).parseAsync(['ls', '--gateway', 'http://gateway.example.org'], {
      from: 'user',
    })
    await expect(unsafe).rejects.toMatchObject({ code: 'CHP-CONFIG-INVALID' })
  })
})

describe('chaperone requests', () => {
  it('asks for access, and waits', async () => {
    await start()
    expect((await run('agent', ['requests', 'grants'])).out).toContain('break-glass')
    const args = ['--grant', 'break-glass', '--for', '30m', '--reason', 'on call tonight']
    const made = await run('agent', ['requests', 'create', ...args, '--json'])
    expect(JSON.parse(made.out)).toMatchObject({
      state: 'pending',
      subject: { grant: 'break-glass', durationSeconds: 1800 },
    })
    expect((await run('agent', ['requests', 'create', ...args, '--wait'])).code).toBe(3)
    expect((await run('agent', ['requests', 'ls'])).out).toContain('access break-glass')
    await expect(run('agent', ['requests', 'create', ...args, '--grant', 'other'])).rejects.toMatchObject({
      code: 'CHP-AUTH-REFUSED',
    })
    expect((await run('agent', ['requests', 'withdraw', ID])).out).toContain(ID)
  })
})
