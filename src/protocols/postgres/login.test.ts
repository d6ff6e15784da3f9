import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { LoginAttempt } from '../protocol.ts'
import {
  encodeCancelRequest,
  encodeGssEncRequest,
  encodePassword,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
  encodeStartup,
  encodeSync,
  encodeTerminate,
} from './encode.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { login, LoginRefused, type LoginOptions } from './login.ts'
import { FarReader, wireInMemory, type WireSettings } from './wire-test-support.ts'

const OPTIONS: LoginOptions = {
  tlsAvailable: true,
  allowPlaintextPasswordOnLoopback: false,
  limits: DEFAULT_FRAME_LIMITS,
}
const STARTUP = encodeStartup({
  minor: 0,
  parameters: new Map([
    ['user', 'agent'],
    ['database', 'hospital'],
  ]),
})

function begin(options: Partial<LoginOptions> = {}, settings: WireSettings = {}) {
  const { wire, far, state } = wireInMemory(settings)
  const attempts: LoginAttempt[] = []
  const identify = (attempt: LoginAttempt) => {
    attempts.push(attempt)
    return attempt.token === 'good'
      ? Promise.resolve({ sessionId: '1', target: attempt.target })
      : Promise.reject(new ChaperoneError('CHP-AUTH-FAILED'))
  }
  const client = new FarReader(far, 'backend')
  const result = login(wire, identify, { ...OPTIONS, ...options })
  const refused = () =>
    result.then(
      (done) => expect.fail(`not refused: ${done.kind}`),
      (error: unknown) => {
        if (!(error instanceof LoginRefused)) expect.fail(String(error))
        return error.error.code
      },
    )
  return { client, far, state, attempts, result, refused }
}

const inTls = { encrypted: true }

describe('a login', () => {
  it('inside TLS gives the admission, and what was sent behind the password', async () => {
    const { client, state, attempts, result } = begin()
    client.send(encodeSslRequest())
    expect((await client.bytes(1)).toString()).toBe('S')
    client.send(STARTUP)
    expect((await client.frame()).body.readUInt32BE(0)).toBe(3)
    client.send(encodePassword('good'), encodeQuery('select 1'), encodeSync().subarray(0, 2))
    const done = await result
    if (done.kind !== 'session') expect.fail(done.kind)
    expect(state.upgrades).toBe(1)
    expect(done.early.equals(Buffer.concat([encodeQuery('select 1'), encodeSync().subarray(0, 2)]))).toBe(true)
    expect(done.admission).toEqual({ sessionId: '1', target: 'hospital' })
    expect(done.minor).toBe(0)
    expect(attempts).toMatchObject([{ token: 'good', target: 'hospital', user: 'agent', encrypted: true }])
  })

  it('takes the user for the database, as a server does', async () => {
    const { client, attempts, result } = begin({}, inTls)
    client.send(encodeStartup({ minor: 2, parameters: new Map([['user', 'agent']]) }), encodePassword('good'))
    expect(await result).toMatchObject({ kind: 'session', minor: 2 })
    expect(attempts[0]?.target).toBe('agent')
  })

  it('answers no to GSS encryption and goes on', async () => {
    const { client, result } = begin()
    client.send(encodeGssEncRequest())
    expect((await client.bytes(1)).toString()).toBe('N')
    client.send(encodeSslRequest())
    expect((await client.bytes(1)).toString()).toBe('S')
    client.send(STARTUP, encodePassword('good'))
    expect((await result).kind).toBe('session')
  })

  it('works byte by byte', async () => {
    const { client, result } = begin({}, inTls)
    for (const byte of Buffer.concat([STARTUP, encodePassword('good')])) {
      client.send(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await result).kind).toBe('session')
  })

  it('negotiates the version of the protocol down, and lists options that it does not know', async () => {
    const { client, result } = begin({}, inTls)
    client.send(
      encodeStartup({
        minor: 9,
        parameters: new Map([
          ['user', 'agent'],
          ['_pq_.new', '1'],
        ]),
      }),
    )
    const negotiated = await client.frame()
    expect(String.fromCharCode(negotiated.type)).toBe('v')
    expect(negotiated.body.toString('latin1')).toContain('_pq_.new')
    await client.frame()
    client.send(encodePassword('good'))
    expect((await result).kind).toBe('session')
  })
})

describe('a login is refused', () => {
  it('without TLS, before the password is asked for', async () => {
    const { client, refused, attempts } = begin()
    client.send(STARTUP, encodePassword('good'))
    expect(await refused()).toBe('CHP-AUTH-PLAINTEXT')
    expect(attempts).toEqual([])
  })

  it('without TLS also where it is allowed on loopback, when the client is elsewhere', async () => {
    const options = { allowPlaintextPasswordOnLoopback: true }
    const far = begin(options, { loopback: false })
    far.client.send(STARTUP)
    expect(await far.refused()).toBe('CHP-AUTH-PLAINTEXT')
    const near = begin(options, { loopback: true })
    near.client.send(STARTUP, encodePassword('good'))
    expect((await near.result).kind).toBe('session')
  })

  it('when bytes follow a request for encryption in clear (CVE-2021-23222)', async () => {
    for (const request of [encodeSslRequest(), encodeGssEncRequest()]) {
      const { client, refused, state } = begin()
      client.send(request, STARTUP)
      expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
      expect(state.upgrades).toBe(0)
    }
  })

  it('when the token is not good', async () => {
    const { client, refused } = begin({}, inTls)
    client.send(STARTUP, encodePassword('bad'))
    expect(await refused()).toBe('CHP-AUTH-FAILED')
  })

  it.each([
    ['a query instead of the password', [STARTUP, encodeQuery('select 1')]],
    ['a message of no type', [STARTUP, Buffer.from([0xff, 0, 0, 0, 4])]],
    ['a password without its end', [STARTUP, Buffer.from([0x70, 0, 0, 0, 6, 0x41, 0x42])]],
    ['no user', [encodeStartup({ minor: 0, parameters: new Map([['database', 'x']]) })]],
    ['an HTTP request', [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]],
    ['a TLS handshake that was not asked for', [Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc])]],
    ['a startup packet beyond all bounds', [Buffer.from([0x7f, 0xff, 0xff, 0xff])]],
    ['a startup packet of 3 bytes', [Buffer.from([0, 0, 0, 3])]],
  ])('with %s', async (_, messages) => {
    const { client, refused, attempts } = begin({}, inTls)
    client.send(...messages)
    expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
    expect(attempts).toEqual([])
  })

  it('with protocol 2', async () => {
    const { client, refused } = begin({}, inTls)
    client.send(Buffer.from([0, 0, 0, 8, 0, 2, 0, 0]))
    expect(await refused()).toBe('CHP-PROTOCOL-UNSUPPORTED')
  })

  it('when encryption is asked for again and again', async () => {
    const { client, refused } = begin({ tlsAvailable: false })
    for (let round = 0; round < 4; round++) {
      client.send(encodeSslRequest())
      expect((await client.bytes(1)).toString()).toBe('N')
    }
    expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
  })

  it('TLS within TLS', async () => {
    const { client, result, state } = begin({}, inTls)
    client.send(encodeSslRequest())
    expect((await client.bytes(1)).toString()).toBe('N')
    client.send(STARTUP, encodePassword('good'))
    expect((await result).kind).toBe('session')
    expect(state.upgrades).toBe(0)
  })
})

describe('what is no login', () => {
  it('cancels, in clear and inside TLS, with keys of either length', async () => {
    for (const secretKey of [Buffer.from('abcd'), Buffer.alloc(32, 7), Buffer.alloc(256, 7)]) {
      const { client, result } = begin()
      client.send(encodeCancelRequest({ processId: 5, secretKey }))
      expect(await result).toEqual({ kind: 'cancel', processId: 5, secretKey })
    }
    const { client, result } = begin()
    client.send(encodeSslRequest())
    await client.bytes(1)
    client.send(encodeCancelRequest({ processId: 5, secretKey: Buffer.from('abcd') }))
    expect(await result).toMatchObject({ kind: 'cancel' })
  })

  it('is an end wherever the client closes', async () => {
    const bytes = Buffer.concat([STARTUP, encodePassword('good')])
    for (let cut = 0; cut < bytes.length; cut++) {
      const { far, result } = begin({}, inTls)
      if (cut > 0) far.write(bytes.subarray(0, cut))
      far.end()
      expect((await result).kind).toBe('closed')
    }
  })

  it('is an end when the connection breaks', async () => {
    const { wire, far } = wireInMemory(inTls)
    wire.stream.on('error', () => undefined)
    const result = login(wire, () => Promise.reject(new ChaperoneError('CHP-AUTH-FAILED')), OPTIONS)
    far.write(STARTUP)
    await new Promise((resolve) => setImmediate(resolve))
    wire.stream.destroy(new Error('ECONNRESET'))
    expect((await result).kind).toBe('closed')
  })

  it('is refused when the handshake of TLS fails', async () => {
    const { wire, far } = wireInMemory()
    const failing = { ...wire, startTls: () => Promise.reject(new Error('unknown ca')) }
    const result = login(failing, () => Promise.reject(new ChaperoneError('CHP-AUTH-FAILED')), OPTIONS)
    far.write(encodeSslRequest())
    const error = await result.catch((thrown: unknown) => thrown)
    if (!(error instanceof LoginRefused)) expect.fail(String(error))
    expect(error.error.code).toBe('CHP-PROTOCOL-VIOLATION')
    expect(error.error.reason).toContain('unknown ca')
  })

  it('is an end when the client takes its leave instead of a password', async () => {
    const { client, result } = begin({}, inTls)
    client.send(STARTUP, encodeTerminate())
    expect((await result).kind).toBe('closed')
  })
})

const OAUTH = {
  user: 'oauth',
  openidConfiguration: 'https://issuer.example/.well-known/openid-configuration',
  scope: 'openid',
}
const OAUTH_STARTUP = encodeStartup({
  minor: 2,
  parameters: new Map([
    ['user', 'oauth'],
    ['database', 'hospital'],
  ]),
})
const bearer = (token: string) => Buffer.from(`n,,\u0001auth=${token === '' ? '' : `Bearer ${token}`}\u0001\u0001`)
const initial = (response: Buffer | null, mechanism = 'OAUTHBEARER') =>
  encodeSaslInitialResponse({ mechanism, response })

describe('OAUTHBEARER', () => {
  it('is offered to the user it is for, and gives the admission', async () => {
    const { client, attempts, result } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP)
    const { body } = await client.frame()
    expect([body.readUInt32BE(0), body.subarray(4).toString()]).toEqual([10, 'OAUTHBEARER\0\0'])
    client.send(initial(bearer('good')), encodeSync().subarray(0, 2))
    const done = await result
    if (done.kind !== 'session') expect.fail(done.kind)
    expect(done.early.equals(encodeSync().subarray(0, 2))).toBe(true)
    expect(attempts).toMatchObject([{ token: 'good', target: 'hospital', user: 'oauth' }])
  })

  it('is offered to nobody else, and to nobody without it', async () => {
    for (const [options, startup] of [
      [{ oauth: OAUTH }, STARTUP],
      [{}, OAUTH_STARTUP],
    ] as const) {
      const { client, result } = begin(options, inTls)
      client.send(startup)
      expect((await client.frame()).body.readUInt32BE(0)).toBe(3)
      client.send(encodePassword('good'))
      expect((await result).kind).toBe('session')
    }
  })

  it('begins with an empty challenge for clients that send nothing at first', async () => {
    const { client, result } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP, initial(null))
    await client.frame()
    const challenge = await client.frame()
    expect([challenge.body.readUInt32BE(0), challenge.body.length]).toEqual([11, 4])
    client.send(encodeSaslResponse(bearer('good')))
    expect((await result).kind).toBe('session')
  })

  const told = { status: 'invalid_token', 'openid-configuration': OAUTH.openidConfiguration, scope: 'openid' }

  it('tells a client with a token that is not good where to get one, and refuses it when it has taken note', async () => {
    const { client, refused } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP, initial(bearer('bad')))
    await client.frame()
    const { body } = await client.frame()
    expect([body.readUInt32BE(0), JSON.parse(body.subarray(4).toString())]).toEqual([11, told])
    client.send(encodeSaslResponse(Buffer.from([1])))
    expect(await refused()).toBe('CHP-AUTH-FAILED')
  })

  it('tells a client that has none the same, and counts no failure', async () => {
    const { client, result, attempts } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP, initial(bearer('')))
    await client.frame()
    const { body } = await client.frame()
    expect([body.readUInt32BE(0), JSON.parse(body.subarray(4).toString())]).toEqual([11, told])
    client.send(encodeSaslResponse(Buffer.from([1])))
    const error = await client.frame()
    expect([String.fromCharCode(error.type), error.body.toString().includes('28P01')]).toEqual(['E', true])
    expect((await result).kind).toBe('closed')
    expect(attempts).toEqual([])
  })

  it.each([
    ['goes', []],
    ['says good-bye', [encodeTerminate()]],
    ['says something else', [encodeQuery('select 1')]],
  ])('counts the failure also when the client %s instead', async (_, messages) => {
    const { client, far, refused } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP, initial(bearer('bad')), ...messages)
    far.end()
    expect(await refused()).toBe('CHP-AUTH-FAILED')
  })

  it.each([
    ['another mechanism', [initial(bearer('good'), 'SCRAM-SHA-256')]],
    ['no mechanism', [initial(bearer('good'), '')]],
    ['a password', [encodePassword('good')]],
    ['another identity', [initial(Buffer.from('n,a=admin,\u0001auth=Bearer good\u0001\u0001'))]],
    ['a query', [encodeQuery('select 1')]],
  ])('is refused with %s', async (_, messages) => {
    const { client, refused, attempts } = begin({ oauth: OAUTH }, inTls)
    client.send(OAUTH_STARTUP, ...messages)
    expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
    expect(attempts).toEqual([])
  })

  it('is not asked for in clear', async () => {
    const { client, refused, attempts } = begin({ oauth: OAUTH })
    client.send(OAUTH_STARTUP, initial(bearer('good')))
    expect(await refused()).toBe('CHP-AUTH-PLAINTEXT')
    expect(attempts).toEqual([])
  })
})

describe('TLS that begins with the first byte', () => {
  const hello = Buffer.from([0x16, 0x03, 0x01])

  it('is begun at once', async () => {
    const { client, state, result } = begin()
    client.send(hello)
    while (state.upgrades === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(state.started).toEqual([{ protocol: 'postgresql', mustBeNamed: true, received: hello }])
    client.send(STARTUP, encodePassword('good'))
    expect((await result).kind).toBe('session')
  })

  it('leaves nothing to ask for', async () => {
    for (const request of [encodeSslRequest(), encodeGssEncRequest()]) {
      const { client, state, refused } = begin()
      client.send(hello)
      while (state.upgrades === 0) await new Promise((resolve) => setImmediate(resolve))
      client.send(request)
      expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
    }
  })

  it('comes before everything else', async () => {
    const { client, refused, state } = begin()
    client.send(encodeGssEncRequest())
    await client.bytes(1)
    client.send(hello, Buffer.from([0, 0, 0, 0, 0]))
    expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
    expect(state.upgrades).toBe(0)
  })

  it('is refused where there is no certificate', async () => {
    const { client, refused } = begin({ tlsAvailable: false })
    client.send(hello, Buffer.from([0, 0, 0, 0, 0]))
    expect(await refused()).toBe('CHP-PROTOCOL-VIOLATION')
  })
})
