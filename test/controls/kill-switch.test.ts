import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminAnswer, adminAsk } from '../../cli/admin-client.ts'
import { killCommand } from '../../cli/commands/kill.ts'
import { restoreCommand, revokeCommand } from '../../cli/commands/revoke.ts'
import { sessionsCommand } from '../../cli/commands/sessions.ts'
import { type CommandContext, terminal } from '../../cli/terminal.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

/** Who is revoked, and whose session ends, on a real gateway over its admin socket. */
let bed: Testbed

beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
}, 120_000)
afterAll(() => bed.stop())

const ask = (method: 'GET' | 'POST' | 'DELETE', path: string, query: Readonly<Record<string, string>> = {}) =>
  adminAsk(bed.config.admin, method, `${path}?${new URLSearchParams(query).toString()}`)

const bodyOf = ({ status, body }: AdminAnswer): unknown => {
  expect(status).toBe(200)
  return JSON.parse(body)
}

/** Resolves with how the session ended, and when. */
async function ended(client: Awaited<ReturnType<Testbed['connect']>>): Promise<{ message: string; after: number }> {
  const begin = performance.now()
  const message = await new Promise<string>((resolve) => client.once('error', (error) => resolve(error.message)))
  return { message, after: performance.now() - begin }
}

const AGENT = 'dev/agent:care-planner'

describe('kill', () => {
  it.each([
    ['principal', () => AGENT],
    ['target', () => 'hospital'],
    ['everything', () => ''],
  ])('%s ends the sessions that are meant, at once, and is on record before', async (what, value) => {
    const [agent, officer] = [await bed.connect('agent'), await bed.connect('officer')]
    await agent.query('SELECT 1')
    const over = ended(agent)
    const records = await bed.recorded(
      async () => {
        const query = { what, reason: 'a test', ...(value() === '' ? {} : { value: value() }) }
        expect(bodyOf(await ask('POST', '/v1/kill', query))).toEqual({ ended: what === 'principal' ? 1 : 2 })
        const { message, after } = await over
        expect(message).toContain('CHP-SESSION-TERMINATED')
        expect(after).toBeLessThan(1000)
      },
      (headers) => headers.some(({ kind }) => kind === 'session-end'),
    )
    const [first] = records.filter(({ kind }) => kind === 'administration' || kind === 'session-end')
    expect(first?.what).toMatchObject({ action: 'sessions.kill', what })
    // What operators write is in the encrypted body only.
    expect(JSON.stringify(records)).not.toContain('a test')
    expect(records.find(({ kind }) => kind === 'alert')?.what).toMatchObject({ alert: 'killed' })
    if (what === 'principal') expect((await officer.query('SELECT 1')).rowCount).toBe(1)
    // A kill is no ban.
    expect((await (await bed.connect('agent')).query('SELECT 1')).rowCount).toBe(1)
    expect(bodyOf(await ask('POST', '/v1/kill', { what: 'everything', reason: 'tidy' }))).toBeDefined()
  })

  it.each([
    ['no reason', { what: 'everything' }],
    ['a value for everything', { what: 'everything', value: 'x', reason: 'r' }],
    ['no value', { what: 'run', reason: 'r' }],
    ['something that is none', { what: 'all', reason: 'r' }],
    ['more than is known', { what: 'everything', reason: 'r', force: 'yes' }],
    ['control characters', { what: 'run', value: 'a\u0000b', reason: 'r' }],
  ])('refuses %s and ends nothing', async (_, query) => {
    const client = await bed.connect('agent')
    expect((await ask('POST', '/v1/kill', query)).status).toBe(400)
    expect((await client.query('SELECT 1')).rowCount).toBe(1)
  })
})

describe('revocations', () => {
  it('of a principal end sessions within a second, refuse new ones, and can be lifted', async () => {
    const client = await bed.connect('agent')
    const over = ended(client)
    const answer = bodyOf(await ask('POST', '/v1/revocations', { what: 'principal', value: AGENT, reason: 'gone' }))
    expect(answer).toMatchObject({ isShared: false, revocation: { thing: { kind: 'member', member: AGENT } } })
    const { message, after } = await over
    expect(message).toContain('CHP-AUTH-REVOKED')
    expect(after).toBeLessThan(1000)
    await expect(bed.connect('agent')).rejects.toThrow('CHP-AUTH-REVOKED')
    expect((await (await bed.connect('officer')).query('SELECT 1')).rowCount).toBe(1)
    const [, id = ''] = /"id":"(rev-[0-9a-f-]+)"/.exec(JSON.stringify(answer)) ?? []
    expect(bodyOf(await ask('GET', '/v1/revocations'))).toMatchObject({ revocations: [{ id, isShared: false }] })
    expect(bodyOf(await ask('DELETE', '/v1/revocations', { id }))).toEqual({ lifted: true })
    expect((await (await bed.connect('agent')).query('SELECT 1')).rowCount).toBe(1)
    expect((await ask('DELETE', '/v1/revocations', { id })).status).toBe(404)
  })

  it.each([
    ['a principal without an issuer', { what: 'principal', value: 'somebody', reason: 'r' }],
    ['a token instead of its digest', { what: 'token', value: 'eyJ', reason: 'r' }],
    ['an id without an issuer', { what: 'tokenId', value: 'x', reason: 'r' }],
    ['a time that is none', { what: 'run', value: 'x', reason: 'r', until: 'tomorrow' }],
  ])('refuse %s', async (_, query) => {
    expect((await ask('POST', '/v1/revocations', query)).status).toBe(400)
  })
})

/** What a command prints. */
async function run(
  command: (context: CommandContext) => ReturnType<typeof killCommand>,
  ...args: readonly string[]
): Promise<string> {
  let stdout = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    stderr: { write: () => true },
    env: {},
  })
  const all = [...args, '--config', bed.environment.configFile]
  await command({ environment: {}, out }).parseAsync(all, { from: 'user' })
  return stdout
}

describe('the commands', () => {
  it('show, kill, revoke and restore', async () => {
    const client = await bed.connect('agent')
    await client.query('SELECT 1')
    expect(await run(sessionsCommand, 'ls')).toMatch(/agent:care-planner \(agent\)/u)
    const over = ended(client)
    expect(await run(killCommand, 'target', 'hospital', '--reason', 'r')).toMatch(/^[1-9]\d* session\(s\) ended\n$/u)
    await over
    expect(await run(restoreCommand)).toBe('Nothing is revoked.\n')
    const said = await run(revokeCommand, 'principal', AGENT, '--reason', 'r', '--for', '1h', '--issued-before-now')
    const [, id = ''] = /\((rev-[0-9a-f-]+)\)/.exec(said) ?? []
    expect(said).toContain('This gateway alone knows')
    expect(await run(restoreCommand)).toContain(`${id}  principal ${AGENT}`)
    expect(await run(restoreCommand, id, '--json')).toContain('"lifted": true')
    await expect(run(restoreCommand, id)).rejects.toThrow('there is no such revocation')
  })

  it.each([
    [killCommand, ['everything', 'x'], 'everything needs no value'],
    [killCommand, ['run'], 'which run?'],
    [revokeCommand, ['run', 'x', '--for', 'ever'], 'is no duration'],
    [revokeCommand, ['principal', 'nobody'], 'needed: what'],
  ])('refuse what makes no sense: %#', async (command, args, message) => {
    await expect(run(command, ...args, '--reason', 'r')).rejects.toThrow(message)
  })
})
