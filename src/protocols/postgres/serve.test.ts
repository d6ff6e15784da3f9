import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { GatedWriter } from '../../lib/gated-writer.ts'
import type { SessionControl, SessionEnd } from '../protocol.ts'
import { ScramKeys } from './auth/scram-keys.ts'
import { CancelRegistry } from './cancel-registry.ts'
import {
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeCancelRequest,
  encodeCommandComplete,
  encodeDataRow,
  encodeNoticeResponse,
  encodeParameterStatus,
  encodePassword,
  encodeQuery,
  encodeReadyForQuery,
  encodeRowDescription,
  encodeStartup,
} from './encode.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { ModelServer } from './model-server-test-support.ts'
import { FakeGate } from './relay-test-support.ts'
import { type PostgresHost, servePostgres, turnAwayPostgres } from './serve.ts'
import { FarReader, wireInMemory } from './wire-test-support.ts'

const STARTUP = encodeStartup({
  minor: 2,
  parameters: new Map([
    ['user', 'agent'],
    ['database', 'hospital'],
    ['application_name', 'mine'],
  ]),
})
const STATUS = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  application_name: 'chaperone/1',
  is_superuser: 'on',
}

/** What a target says to a start-up message, and to the checks. */
const greeting = Buffer.concat([
  encodeAuthenticationOk(),
  ...Object.entries(STATUS).map(([name, value]) => encodeParameterStatus({ name, value })),
  encodeBackendKeyData({ processId: 4711, secretKey: Buffer.from('key of the target') }),
  encodeReadyForQuery('I'),
])
const column = { name: 'x', tableOid: 0, attnum: 0, typeOid: 25, typmod: -1, format: 0 }
const checks = (pid: string) =>
  Buffer.concat([
    encodeRowDescription(Array.from({ length: 7 }, () => column)),
    encodeDataRow([pid, '180004', '["public", "app", "", null]', 'f', 'f', 'f', 'f']),
    encodeCommandComplete('SELECT 1'),
    encodeReadyForQuery('I'),
  ])

function host(overrides: Partial<PostgresHost> = {}) {
  const log: string[] = []
  const targets: ReturnType<typeof wireInMemory>[] = []
  const controls: SessionControl[] = []
  const gate = new FakeGate({ masked: false })
  const all: PostgresHost = {
    identify: ({ token, target }) =>
      token === 'good'
        ? Promise.resolve({ sessionId: '1', target })
        : Promise.reject(new ChaperoneError('CHP-AUTH-FAILED')),
    dial: () => {
      const pair = wireInMemory()
      targets.push(pair)
      const account = {
        user: 'app',
        database: 'db',
        password: () => Promise.resolve(undefined),
        acceptsMd5: false,
        tls: 'plaintext' as const,
        acceptedRisks: [],
        extraStartupParameters: [],
      }
      return Promise.resolve({ wire: pair.wire, account, loginTimeoutMs: 50 })
    },
    gate: () => gate,
    attach: (_, control) => {
      controls.push(control)
      log.push('attached')
      return (end: SessionEnd) => log.push(`ended ${end.reason}`)
    },
    abandoned: (_, error) => log.push(`abandoned ${error.code}`),
    cancelFailed: (_, error) => log.push(`cancel failed ${error.code}`),
    turnedAway: (_, error) => log.push(`turned away ${error.code}`),
    cancels: new CancelRegistry(),
    waiting: new Set<GatedWriter>(),
    login: { tlsAvailable: false, allowPlaintextPasswordOnLoopback: true, limits: DEFAULT_FRAME_LIMITS },
    limits: DEFAULT_FRAME_LIMITS,
    scramKeys: new ScramKeys(),
    maxPipelined: 1000,
    maxNames: 100,
    now: () => 0,
    handshakeTimeoutMs: 50,
    ...overrides,
  }
  return { host: all, log, targets, controls, gate }
}

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** A client and a target that are both logged in, unless `pid` says otherwise. */
async function open(parts: ReturnType<typeof host>, more: Buffer = Buffer.alloc(0), pid = '4711') {
  const { wire, far } = wireInMemory()
  const client = new FarReader(far, 'backend')
  const served = servePostgres(wire, parts.host)
  client.send(STARTUP)
  await client.frame()
  client.send(encodePassword('good'))
  await until(() => parts.targets.length === 1)
  const target = new FarReader(parts.targets[0]?.far ?? expect.fail('not dialled'), 'frontend')
  await target.packet()
  target.send(greeting)
  await target.frame()
  target.send(checks(pid), more)
  return { client, far, served, target }
}

describe('a connection', () => {
  it('is served: the client learns its own name and a key of the gateway, and its statements go through', async () => {
    const parts = host()
    const { client, far, served, target } = await open(parts)
    const greeted: string[] = []
    for (let frame = await client.frame(); frame.type !== 0x5a; frame = await client.frame())
      greeted.push(frame.body.toString('latin1'))
    expect(greeted).toContain('application_name\0mine\0')
    expect(greeted).toContain('is_superuser\0off\0')
    expect(greeted).toContain('session_authorization\0agent\0')
    expect(greeted.join()).not.toContain('key of the target')
    client.send(encodeQuery('SELECT clean'))
    const query = await target.frame()
    expect(query.body.toString()).toBe('SELECT clean\0')
    target.send(new ModelServer().take(encodeQuery('SELECT clean')))
    expect(String.fromCharCode((await client.frame()).type)).toBe('T')
    far.end()
    await served
    expect(parts.log).toEqual(['attached', 'ended client-closed'])
  })

  it('does not lose what the target says right behind its checks', async () => {
    const parts = host()
    const notice = encodeNoticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: 'hello' })
    const { client, far, served, target } = await open(parts, notice.subarray(0, 7))
    let frame = await client.frame()
    while (frame.type !== 0x5a) frame = await client.frame()
    target.send(notice.subarray(7))
    expect((await client.frame()).body.toString()).toContain('hello')
    far.end()
    await served
  })

  it('whose target sits behind a transaction pooler is refused', async () => {
    const parts = host()
    const { client, served } = await open(parts, Buffer.alloc(0), '9')
    expect((await client.frame()).body.toString()).toContain('CHP-TARGET-REFUSED')
    await served
    expect(parts.log).toEqual(['abandoned CHP-TARGET-REFUSED'])
    expect(parts.targets[0]?.wire.stream.destroyed).toBe(true)
  })

  it('whose target does not answer is given up', async () => {
    const parts = host()
    const { wire, far } = wireInMemory()
    const client = new FarReader(far, 'backend')
    const served = servePostgres(wire, parts.host)
    client.send(STARTUP, encodePassword('good'))
    await served
    expect(parts.log).toEqual(['abandoned CHP-TARGET-UNREACHABLE'])
    expect((await client.frame()).type).toBe(0x52)
    expect((await client.frame()).body.toString()).toContain('CHP-TARGET-UNREACHABLE')
  })

  it('whose client goes while the target is being logged in to leaves nothing behind', async () => {
    const parts = host()
    const { wire, far } = wireInMemory()
    const client = new FarReader(far, 'backend')
    const served = servePostgres(wire, parts.host)
    client.send(STARTUP, encodePassword('good'))
    await until(() => parts.targets.length === 1)
    wire.stream.destroy()
    const target = new FarReader(parts.targets[0]?.far ?? expect.fail('not dialled'), 'frontend')
    await target.packet()
    target.send(greeting)
    await target.frame()
    target.send(checks('4711'))
    await served
    expect(parts.log).toEqual(['attached', 'ended client-closed'])
    await target.rest()
  })

  it('that says nothing is closed after a while', async () => {
    const parts = host()
    const { wire } = wireInMemory()
    await servePostgres(wire, parts.host)
    expect(wire.stream.destroyed).toBe(true)
    expect(parts.log).toEqual([])
  })

  it('with a bad token is told so, once, and the true reason is for the log', async () => {
    const parts = host()
    const { wire, far } = wireInMemory()
    const client = new FarReader(far, 'backend')
    const served = servePostgres(wire, parts.host)
    client.send(STARTUP, encodePassword('bad'))
    await client.frame()
    expect((await client.frame()).body.toString()).toContain('CHP-AUTH-FAILED')
    await served
    expect(parts.log).toEqual(['turned away CHP-AUTH-FAILED'])
  })

  it('that cancels reaches the session with the key, and is told nothing', async () => {
    const parts = host()
    const { client, far, served } = await open(parts)
    let frame = await client.frame()
    let key: Buffer = Buffer.alloc(0)
    for (; frame.type !== 0x5a; frame = await client.frame()) if (frame.type === 0x4b) key = frame.body
    const cancel = async (secretKey: Buffer) => {
      const { wire, far: other } = wireInMemory()
      const canceller = new FarReader(other, 'backend')
      canceller.send(encodeCancelRequest({ processId: key.readInt32BE(0), secretKey }))
      await servePostgres(wire, parts.host)
      steps.push('client told')
      wire.stream.end()
      expect(await canceller.rest()).toHaveLength(0)
    }
    const steps: string[] = []
    expect(key.readInt32BE(0)).toBe(4711)
    await cancel(Buffer.alloc(32))
    expect(parts.targets).toHaveLength(1)
    const cancelled = cancel(key.subarray(4))
    await until(() => parts.targets.length === 2)
    const asked = parts.targets[1]?.far ?? expect.fail('not dialled')
    expect((await new FarReader(asked, 'frontend').packet()).toString('latin1')).toContain('key of the target')
    steps.push('target asked')
    await new Promise((resolve) => setTimeout(resolve, 20))
    // What the client sends next must not be hit by a signal that is still on its way.
    steps.push('target has sent the signal')
    asked.end()
    await cancelled
    expect(steps).toEqual(['client told', 'target asked', 'target has sent the signal', 'client told'])
    far.end()
    await served
  })

  it('that cannot be taken is told why', async () => {
    const { wire, far } = wireInMemory()
    const client = new FarReader(far, 'backend')
    await turnAwayPostgres(wire, new ChaperoneError('CHP-LIMIT-CONNECTIONS'))
    expect((await client.frame()).body.toString()).toContain('CHP-LIMIT-CONNECTIONS')
  })
})
