import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { DEMO_TARGET, type ConfigDocument, startTestbed, type Testbed } from '../support/testbed.ts'
import { rows, WireClient } from '../support/wire-client.ts'
import { type GatewayProcess, startGatewayProcess } from '../fault/gateway-process.ts'
import {
  CALLERS,
  clientOf,
  configBeside,
  DESK_SQL,
  gatewayOf,
  idsBy,
  labelDesk,
  one,
  refusalOf,
  type RunningGateway,
  shownName,
} from './desk.ts'

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const SCOPE = { group: 'care-agents-read-masked', purpose: '', target: DEMO_TARGET }

let server: StoreServer
let bed: Testbed
/** The second gateway is a process of its own, because it is killed. */
let second: GatewayProcess
let secondConfig: string
/** Sessions of the agent, at the gateway of the testbed and at the second one. */
let here: Client
let there: Client
const open: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  server = await StoreServer.start()
  const location = await server.database()
  bed = await startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(DESK_SQL),
    configure: async (document, { directory }) => {
      labelDesk(document)
      await writeFile(join(directory, 'store-password'), (await location.password()) ?? '')
      document['store'] = {
        url: `postgresql://${location.user}@${location.host}:${location.port}/${location.database}`,
        credential: { file: 'store-password' },
        tls: { mode: 'plaintextWithoutTls' },
      }
      document['phi'].tokens = { key: await keyFile(directory, 'first.key') }
    },
  })
  secondConfig = await configBeside(bed, 'second')
  second = await startGatewayProcess(secondConfig)
  ;[here, there] = await Promise.all([bed.connect('agent'), agentAt(second.port)])
})
afterAll(async () => {
  await Promise.allSettled(open.splice(0).map((close) => close()))
  await second?.kill9()
  await bed?.stop()
  await server?.stop()
})

async function keyFile(directory: string, name: string): Promise<ConfigDocument> {
  const file = join(directory, name)
  await writeFile(file, randomBytes(32).toString('base64'))
  return { file }
}

async function agentAt(port: number): Promise<Client> {
  const client = await clientOf({ port, ca: bed.ca, token: await bed.token('agent') })
  open.push(() => client.end())
  return client
}

interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

function tokens(configFile: string, ...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const command = [CLI, 'tokens', ...args, ...(configFile === '' ? [] : ['-c', configFile])]
    execFile(process.execPath, command, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

const namesAt = async (client: Client): Promise<unknown> =>
  one(client, `SELECT array_agg(full_name ORDER BY id) FROM desk.caller WHERE id <= ${CALLERS}`)

describe('two gateways with one store', () => {
  it('give out one token for a value, also when both see it first at the same moment', async () => {
    const admin = await bed.direct()
    await admin.query(`INSERT INTO desk.caller SELECT n, 'new', 'Quuxalot New ' || n FROM generate_series(101, 400) n`)
    const sql = `SELECT full_name FROM desk.caller WHERE kind = 'new' ORDER BY id`
    const [a, b, c] = await Promise.all(
      [here, there, await agentAt(second.port)].map(async (client) =>
        (await client.query<string[]>({ text: sql, rowMode: 'array' })).rows.flat(),
      ),
    )
    expect(new Set(a).size).toBe(300)
    expect([b, c]).toEqual([a, a])
  })

  it.each(['the first', 'the second'])('resolve at once what %s has just given out', async (which) => {
    const [giver, taker] = which === 'the first' ? [here, there] : [there, here]
    const admin = await bed.direct()
    for (let n = 0; n < 5; n++) {
      const { rows: made } = await admin.query<{ id: number }>(
        `INSERT INTO desk.caller SELECT max(id) + 1, 'late', 'Quuxalot Late ' || max(id) FROM desk.caller RETURNING id`,
      )
      const id = made[0]?.id ?? 0
      expect(await idsBy(taker, await shownName(giver, id))).toEqual([id])
    }
  })

  it('forget nothing that was given out before a gateway is killed', async () => {
    const admin = await bed.direct()
    await admin.query(
      `INSERT INTO desk.caller SELECT n, 'many', 'Quuxalot Many ' || n, n FROM generate_series(10001, 30000) n`,
    )
    const wire = await WireClient.login({
      port: second.port,
      ca: bed.ca,
      database: DEMO_TARGET,
      password: await bed.token('agent'),
    })
    wire.send(encodeQuery(`SELECT id, full_name FROM desk.caller WHERE kind = 'many'`))
    const given = new Map<number, string>()
    for (;;) {
      const message = await wire.next().catch(() => undefined)
      if (message === undefined) break
      for (const [id, token] of rows([message])) given.set(Number(id), token ?? '')
      if (given.size === 500) void second.kill9()
    }
    expect(given.size).toBeGreaterThanOrEqual(500)
    expect(given.size).toBeLessThan(20_000)
    second = await startGatewayProcess(secondConfig)
    there = await agentAt(second.port)
    for (const client of [here, there]) {
      const sql = `SELECT id FROM desk.caller WHERE full_name = ANY ($1)`
      const { rows: found } = await client.query<{ id: number }>(sql, [[...given.values()]])
      expect(found.map(({ id }) => id).toSorted((a, b) => a - b)).toEqual([...given.keys()].toSorted((a, b) => a - b))
      const again = await client.query<{ id: number; full_name: string }>(
        `SELECT id, full_name FROM desk.caller WHERE kind = 'many'`,
      )
      expect(again.rows.filter(({ id, full_name }) => (given.get(id) ?? full_name) !== full_name)).toEqual([])
    }
    await admin.query(`DELETE FROM desk.caller WHERE id > ${CALLERS}`)
  })

  it('forget a scope within a second after it was deleted through one of them', async () => {
    const before = await namesAt(there)
    expect(await namesAt(here)).toEqual(before)
    const old = await shownName(there, 3)
    expect(await idsBy(there, old)).toEqual([3])
    await there.query(`PREPARE by_name AS SELECT id FROM desk.caller WHERE full_name = '${old}'`)

    const args = ['--group', SCOPE.group, '--purpose', SCOPE.purpose, '--target', SCOPE.target]
    const ran = await tokens(bed.environment.configFile, 'delete-scope', '--yes', '--json', ...args)
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toEqual({ deleted: SCOPE })
    await delay(1000)

    const after = await namesAt(there)
    expect(after).not.toEqual(before)
    for (const client of [here, there]) {
      expect(await namesAt(client)).toEqual(after)
      expect(await idsBy(client, old)).toEqual([])
      expect(await refusalOf(client.query('UPDATE desk.caller SET full_name = $1 WHERE id = 4', [old]))).toBe(
        '22000 CHP-TOKEN-UNKNOWN',
      )
      expect(await idsBy(client, await shownName(client, 3))).toEqual([3])
    }
    // It was taken for its value when it was prepared.
    expect(await one(there, 'EXECUTE by_name')).toBe(3)
    await there.query(`DEALLOCATE by_name; PREPARE by_name AS SELECT id FROM desk.caller WHERE full_name = '${old}'`)
    expect(await one(there, 'EXECUTE by_name')).toBeUndefined()
  })

  it('never show an old token again once one of them has shown a new one', async () => {
    const admin = await bed.direct()
    await admin.query(
      `INSERT INTO desk.caller SELECT n, 'more', 'Quuxalot More ' || n FROM generate_series(101, 600) n`,
    )
    const sql = `SELECT full_name FROM desk.caller WHERE kind = 'more' ORDER BY id`
    const tokensAt = async (client: Client) =>
      (await client.query<string[]>({ text: sql, rowMode: 'array' })).rows.flat()
    const old = new Set(await tokensAt(there))
    const stop = new AbortController()
    const seen: string[][] = []
    const reader = (async () => {
      while (!stop.signal.aborted) seen.push(await tokensAt(there))
    })()
    expect(await tokens(secondConfig, 'delete-scope', '--yes', ...scopeArgs())).toMatchObject({ status: 0 })
    await delay(1000)
    stop.abort()
    await reader
    const kinds = seen.map((names) => new Set(names.map((name) => old.has(name))))
    // Each answer is of one scope or of the other, and the old one does not come back.
    expect(kinds.at(-1)).toEqual(new Set([false]))
    expect(kinds.findIndex((kind) => kind.has(false))).toBe(kinds.findLastIndex((kind) => kind.has(true)) + 1)
    await admin.query(`DELETE FROM desk.caller WHERE kind = 'more'`)
  })
})

const scopeArgs = (): readonly string[] => [
  '--group',
  SCOPE.group,
  '--purpose',
  SCOPE.purpose,
  '--target',
  SCOPE.target,
]

describe('chaperone tokens, as a process', () => {
  it('shows the same scopes through either gateway', async () => {
    await namesAt(here)
    const [a, b] = await Promise.all(
      [bed.environment.configFile, secondConfig].map((file) => tokens(file, 'status', '--json')),
    )
    expect(a).toMatchObject({ status: 0, stderr: '' })
    const { scopes } = JSON.parse(a?.stdout ?? '')
    expect(scopes).toMatchObject([{ ...SCOPE, tokens: [{ phiClass: 'name', form: 'text', expired: 0 }] }])
    expect(scopes[0].tokens[0].live).toBeGreaterThanOrEqual(CALLERS)
    expect(b).toEqual(a)
  })

  it.each([
    [['expire', '--json'], { deleted: 0 }],
    [['rotate-key', '--json'], { rewrapped: 0 }],
  ])('answers %j in JSON', async (args, expected) => {
    const ran = await tokens(secondConfig, ...args)
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toEqual(expected)
  })

  it('explains itself, and ends with a status that scripts can tell', async () => {
    const expected: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['--help'], 0, /status.*delete-scope.*expire.*rotate-key/su],
      [['rotate-key', '--help'], 0, /previousKeys/u],
      [['delete-scope', '--help'], 0, /--group.*--purpose.*--target.*--yes/su],
      [['resolve'], 1, /unknown command/iu],
      [['delete-scope', '--yes'], 1, /required option.*--group/u],
      [['delete-scope', ...scopeArgs()], 1, /nothing was deleted \[CHP-CONFIG-INVALID\]/u],
      [['delete-scope', '--yes', ...scopeArgs().slice(0, -1), 'nowhere'], 1, /there is no such scope/u],
    ]
    await Promise.all(
      expected.map(async ([args, status, text]) => {
        const ran = await tokens(args.includes('--help') ? '' : secondConfig, ...args)
        expect([args, ran.status]).toEqual([args, status])
        expect(ran.stdout + ran.stderr).toMatch(text)
      }),
    )
  })

  it('says that no gateway is there', async () => {
    const ran = await tokens(await configBeside(bed, 'nobody'), 'status')
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr).toMatch(/no gateway answers on .*\[CHP-TARGET-UNREACHABLE\]\nhint: /u)
  })
})

describe('the end of tokens', () => {
  const LIFETIME_MS = 2500

  it('comes for every gateway at once, and the values get others', async () => {
    const admin = await bed.direct()
    await admin.query(
      `INSERT INTO desk.caller SELECT n, 'brief', 'Quuxalot Brief ' || n FROM generate_series(101, 103) n`,
    )
    // A configuration file may not say less than an hour.
    const brief = await gatewayOf(await configBeside(bed, 'brief'), (config) => ({
      ...config,
      phi: { ...config.phi, tokens: { ...config.phi.tokens, lifetime: LIFETIME_MS } },
    }))
    open.push(() => brief.stop())
    const agent = await agentAt(brief.port)
    const lasting = await shownName(here, 1)
    expect(await shownName(agent, 1)).toBe(lasting)
    const old = [await shownName(agent, 101), await shownName(agent, 102), await shownName(agent, 103)]
    const issued = performance.now()
    for (const client of [agent, here, there]) expect(await idsBy(client, old[0] ?? '')).toEqual([101])
    await delay(LIFETIME_MS - (performance.now() - issued) + 50)

    const headers = await bed.recorded(
      async () => {
        for (const client of [agent, here, there]) {
          expect(await idsBy(client, old[0] ?? '')).toEqual([])
          const written = client.query('UPDATE desk.caller SET full_name = $1 WHERE id = 4', [old[0]])
          expect(await refusalOf(written)).toBe('22000 CHP-TOKEN-UNKNOWN')
        }
      },
      (found) => found.filter(({ kind }) => kind === 'alert').length >= 2,
    )
    expect(headers.filter(({ kind }) => kind === 'alert').map(({ what }) => what)).toEqual([
      { alert: 'token-unknown', classes: ['name'], count: 1 },
      { alert: 'token-unknown', classes: ['name'], count: 1 },
    ])
    const next = await shownName(here, 101)
    expect(next).toMatch(/^tok_/u)
    expect(old).not.toContain(next)
    expect(await shownName(agent, 101)).toBe(next)
    expect(await idsBy(there, next)).toEqual([101])
    expect(await idsBy(there, old[0] ?? '')).toEqual([])
    // It was issued before by a gateway with a longer lifetime, which counts.
    expect(await shownName(agent, 1)).toBe(lasting)
    expect(JSON.parse((await tokens(secondConfig, 'expire', '--json')).stdout)).toEqual({ deleted: 2 })
    await admin.query(`DELETE FROM desk.caller WHERE kind = 'brief'`)
  })
})

async function gatewayWith(name: string, keys: ConfigDocument): Promise<RunningGateway> {
  const gateway = await gatewayOf(await configBeside(bed, name, (document) => (document['phi'].tokens = keys)))
  open.push(() => gateway.stop())
  return gateway
}

describe('keys', () => {
  it('are changed without a change of tokens', async () => {
    const before = await namesAt(here)
    const old = await shownName(here, 5)
    const key = await keyFile(bed.environment.directory, 'new.key')
    const previousKeys = [{ file: join(bed.environment.directory, 'first.key') }]
    const rotating = await gatewayWith('rotating', { key, previousKeys })
    const agent = await agentAt(rotating.port)
    expect(await namesAt(agent)).toEqual(before)
    const file = join(bed.environment.directory, 'rotating.yaml')
    expect(JSON.parse((await tokens(file, 'status', '--json')).stdout).scopes[0].key).not.toBe(
      JSON.parse((await tokens(file, 'status', '--json')).stdout).currentKey,
    )
    expect(await tokens(file, 'rotate-key')).toMatchObject({
      status: 0,
      stdout: '1 scope(s) had another key than the current one and have it now\n',
    })
    expect(await tokens(file, 'rotate-key', '--json')).toMatchObject({ stdout: expect.stringContaining('0') })
    expect((await tokens(file, 'status')).stdout).toMatch(/ current /u)

    const rotated = await gatewayWith('rotated', { key })
    const later = await agentAt(rotated.port)
    expect(await namesAt(later)).toEqual(before)
    expect(await idsBy(later, old)).toEqual([5])
    // Those that have opened the scope before go on.
    expect(await idsBy(here, old)).toEqual([5])
  })

  it('that open nothing keep a gateway from starting, and make no second scope', async () => {
    const key = await keyFile(bed.environment.directory, 'wrong.key')
    const file = await configBeside(bed, 'wrong', (document) => (document['phi'].tokens = { key }))
    await expect(gatewayOf(file)).rejects.toMatchObject({
      code: 'CHP-CONFIG-INVALID',
      message: expect.stringMatching(/scopes are encrypted under the key [0-9a-f]{16}, which is not configured$/u),
      hint: expect.stringContaining('previousKeys'),
    })
    await expect(startGatewayProcess(file)).rejects.toThrow(
      /status 1: [^]*which is not configured \[CHP-CONFIG-INVALID\]/u,
    )
    const { scopes } = JSON.parse((await tokens(secondConfig, 'status', '--json')).stdout)
    expect(scopes).toHaveLength(1)
  })
})
