import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodeCancelRequest,
  encodeGssEncRequest,
  encodePassword,
  encodeQuery,
  encodeSslRequest,
} from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import {
  answerByte,
  errors,
  first,
  kinds,
  of,
  openSocket,
  type Received,
  rows,
  startup,
  status,
  WireClient,
} from '../support/wire-client.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

/** What a refused login looks like: the error that ended it. */
async function refusal(login: () => Promise<WireClient>): Promise<{ readonly code: string; readonly message: string }> {
  const fault: unknown = await login().then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(fault instanceof Error)) throw new Error('the login was accepted')
  const [, code = '', message = ''] = /^(\w{5}): (.*)$/s.exec(fault.message) ?? []
  return { code, message }
}

const secretKeyOf = (greeting: readonly Received[]) => first(greeting, 'BackendKeyData')

describe('encryption requests', () => {
  it('answers GSSENCRequest with N and then SSLRequest with S', async () => {
    const socket = await openSocket(bed.gateway.port)
    socket.write(encodeGssEncRequest())
    expect(await answerByte(socket)).toBe('N')
    socket.write(encodeSslRequest())
    expect(await answerByte(socket)).toBe('S')
    const secure = connectTls({ socket, ca: bed.ca, servername: 'localhost' })
    await once(secure, 'secureConnect')
    const client = new WireClient(secure)
    client.send(startup({ database: DEMO_TARGET }))
    await client.upTo('AuthenticationCleartextPassword')
    client.send(encodePassword(await bed.token('agent')))
    expect(status(await client.ready())).toBe('I')
    await client.close()
  })

  it('answers GSSENCRequest inside TLS with N', async () => {
    const socket = await openSocket(bed.gateway.port)
    socket.write(encodeSslRequest())
    await once(socket, 'data')
    const secure = connectTls({ socket, ca: bed.ca, servername: 'localhost' })
    await once(secure, 'secureConnect')
    secure.write(encodeGssEncRequest())
    expect(await answerByte(secure)).toBe('N')
    secure.destroy()
  })

  it('ends a connection that sends bytes behind its SSLRequest (CVE-2021-23222)', async () => {
    const socket = await openSocket(bed.gateway.port)
    socket.write(Buffer.concat([encodeSslRequest(), startup({ database: DEMO_TARGET })]))
    const client = new WireClient(socket)
    expect(errors(await client.toEnd())[0]?.code).toBe('08P01')
  })

  it('does not ask for a password in clear', async () => {
    const client = await WireClient.open({ port: bed.gateway.port, ca: undefined })
    client.send(startup({ database: DEMO_TARGET }))
    const answer = await client.toEnd()
    expect(kinds(answer)).toEqual(['ErrorResponse'])
    expect(errors(answer)[0]).toMatchObject({ code: '28000', message: expect.stringContaining('[CHP-AUTH-PLAINTEXT]') })
  })

  it('refuses a password that is sent in clear without being asked for', async () => {
    const client = await WireClient.open({ port: bed.gateway.port, ca: undefined })
    client.send(startup({ database: DEMO_TARGET }), encodePassword(await bed.token('agent')))
    const answer = await client.toEnd()
    expect(kinds(answer)).not.toContain('AuthenticationOk')
    expect(errors(answer)[0]?.code).toBe('28000')
  })
})

describe('protocol versions', () => {
  it('gives a client of 3.0 a cancel key of four bytes', async () => {
    const client = await bed.wire('agent', { minor: 0 })
    expect(kinds(client.greeting)).not.toContain('NegotiateProtocolVersion')
    expect(secretKeyOf(client.greeting).secretKey).toHaveLength(4)
  })

  it('gives a client of 3.2 a cancel key of 32 bytes', async () => {
    const client = await bed.wire('agent', { minor: 2 })
    expect(kinds(client.greeting)).not.toContain('NegotiateProtocolVersion')
    expect(secretKeyOf(client.greeting).secretKey).toHaveLength(32)
  })

  it('negotiates a newer minor version down', async () => {
    const client = await bed.wire('agent', { minor: 9999 })
    expect(of(client.greeting, 'NegotiateProtocolVersion')).toEqual([
      { kind: 'NegotiateProtocolVersion', newestMinor: 2, unrecognisedOptions: [] },
    ])
    expect(secretKeyOf(client.greeting).secretKey).toHaveLength(32)
  })

  it('lists protocol options that it does not know', async () => {
    const client = await bed.wire('agent', { minor: 2, parameters: { '_pq_.test_protocol_negotiation': 'on' } })
    expect(of(client.greeting, 'NegotiateProtocolVersion')[0]?.unrecognisedOptions).toEqual([
      '_pq_.test_protocol_negotiation',
    ])
  })

  it('refuses another major version', async () => {
    const client = await WireClient.open({ port: bed.gateway.port, ca: bed.ca })
    const packet = startup({ database: DEMO_TARGET })
    packet.writeUInt16BE(2, 4)
    client.send(packet)
    expect(errors(await client.toEnd())[0]).toMatchObject({ code: '0A000' })
  })
})

describe('start-up parameters', () => {
  it('passes allowed ones to the target', async () => {
    const parameters = { timezone: 'Pacific/Kiritimati', application_name: 'conformance', extra_float_digits: '1' }
    const client = await bed.wire('officer', { parameters })
    client.send(encodeQuery(`select current_setting('TimeZone'), current_setting('extra_float_digits')`))
    expect(rows(await client.ready())).toEqual([['Pacific/Kiritimati', '1']])
    const reported = new Map(of(client.greeting, 'ParameterStatus').map(({ name, value }) => [name, value]))
    expect(reported.get('TimeZone')).toBe('Pacific/Kiritimati')
    expect(reported.get('application_name')).toBe('conformance')
  })

  it('reads them from "options" too', async () => {
    const client = await bed.wire('officer', {
      parameters: { options: '-c statement_timeout=12345 --lock-timeout=777' },
    })
    client.send(encodeQuery(`select current_setting('statement_timeout'), current_setting('lock_timeout')`))
    expect(rows(await client.ready())).toEqual([['12345ms', '777ms']])
  })

  it.each([
    ['a setting that is not on the list', { session_replication_role: 'replica' }, '0A000'],
    ['the same inside options', { options: '-c session_replication_role=replica' }, '0A000'],
    ['a role inside options', { options: '-c role=postgres' }, '0A000'],
    ['replication', { replication: 'database' }, '0A000'],
    ['another encoding', { client_encoding: 'LATIN1' }, '22021'],
    ['another encoding inside options', { options: '-c client_encoding=SJIS' }, '22021'],
    ['string syntax that the parser does not read', { standard_conforming_strings: 'off' }, '0A000'],
    ['options that cannot be read', { options: '-x' }, '0A000'],
  ])('refuses %s', async (_name, parameters, code) => {
    const refused = await refusal(() => bed.wire('officer', { parameters }))
    expect(refused.code).toBe(code)
  })

  it('does not let a masked client turn dates into text that cannot be masked', async () => {
    const refused = await refusal(() => bed.wire('agent', { parameters: { datestyle: 'German' } }))
    expect(refused.code).toBe('0A000')
  })

  it('reports the same settings as the target does, but for the three that are the gateway’s', async () => {
    const client = await bed.wire('officer', { user: 'chaperone_app' })
    const through = new Map(of(client.greeting, 'ParameterStatus').map(({ name, value }) => [name, value]))
    const app = await bed.direct('app')
    const { rows: settings } = await app.query<{ name: string }>(
      `select name from pg_settings where 'GUC_REPORT' = any(pg_settings_get_flags(name)) or name in
        ('server_version','server_encoding','client_encoding','application_name','is_superuser','session_authorization',
         'DateStyle','IntervalStyle','TimeZone','integer_datetimes','standard_conforming_strings')`,
    )
    for (const { name } of settings) {
      if (['is_superuser', 'session_authorization', 'application_name'].includes(name)) continue
      const { rows: shown } = await app.query<string[]>({ text: `show "${name}"`, rowMode: 'array' })
      expect([name, through.get(name)]).toEqual([name, shown[0]?.[0]])
    }
    expect(through.get('is_superuser')).toBe('off')
    expect(through.get('session_authorization')).toBe('chaperone_app')
  })
})

describe('access', () => {
  it('tells nobody whether a database exists', async () => {
    const unknown = await refusal(() => bed.wire('stranger', { database: 'no_such_database' }))
    const forbidden = await refusal(() => bed.wire('stranger'))
    expect(unknown).toEqual(forbidden)
    expect(forbidden).toMatchObject({ code: '28000' })
    const unknownToAgent = await refusal(() => bed.wire('agent', { database: 'no_such_database' }))
    expect(unknownToAgent).toEqual(forbidden)
  })

  it('gives one answer to every token that is no good', async () => {
    const token = await bed.token('agent')
    const [head, payload = '', signature] = token.split('.')
    const flipped = payload.startsWith('e') ? `f${payload.slice(1)}` : `e${payload.slice(1)}`
    const bad = ['', 'secret', 'a.b.c', `${head}.${flipped}.${signature}`, `${head}.${payload}.`, 'x'.repeat(60_000)]
    const answers = await Promise.all(bad.map((password) => refusal(() => bed.wire('agent', { password }))))
    expect(answers.map(({ code }) => code)).toEqual(bad.map(() => '28P01'))
    expect(new Set(answers.map(({ message }) => message)).size).toBe(1)
  })

  it('keeps tokens out of the log', async () => {
    const password = `${(await bed.token('agent')).slice(0, -10)}AAAAAAAAAA`
    await refusal(() => bed.wire('agent', { password }))
    expect(bed.log.join('')).not.toContain(password.split('.')[2])
    expect(bed.log.join('')).not.toContain(password.split('.')[1])
  })
})

/** Waits until the target runs a pg_sleep. */
async function sleeping(): Promise<void> {
  const admin = await bed.direct()
  const running = `select from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'`
  for (let tries = 0; tries < 500; tries++) {
    if ((await admin.query(running)).rowCount !== 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('nothing sleeps')
}

async function cancelRequest(key: { processId: number; secretKey: Buffer }): Promise<void> {
  const socket = await openSocket(bed.gateway.port)
  socket.on('error', () => socket.destroy())
  socket.write(encodeCancelRequest(key))
  socket.resume()
  await once(socket, 'close')
}

describe('cancel', () => {
  it.each([0, 2])('cancels by a request in clear on the TLS port (protocol 3.%i)', async (minor) => {
    const client = await bed.wire('officer', { minor })
    client.send(encodeQuery('select pg_sleep(30)'))
    await sleeping()
    await cancelRequest(secretKeyOf(client.greeting))
    const answer = await client.ready()
    expect(errors(answer).map(({ code }) => code)).toEqual(['57014'])
    client.send(encodeQuery('select 1'))
    expect(rows(await client.ready())).toEqual([['1']])
  })

  it('cancels for a masked client', async () => {
    const client = await bed.wire('agent')
    client.send(encodeQuery('select pg_sleep(30)'))
    await sleeping()
    await cancelRequest(secretKeyOf(client.greeting))
    expect(errors(await client.ready()).map(({ code }) => code)).toEqual(['57014'])
  })

  it('does nothing for a wrong key, a key of another length, and a key of the target', async () => {
    const client = await bed.wire('officer')
    const { processId, secretKey } = secretKeyOf(client.greeting)
    const wrong = Buffer.from(secretKey.map((byte) => byte ^ 0xff))
    client.send(encodeQuery(`select pg_sleep(1.5), 'done'`))
    await sleeping()
    await cancelRequest({ processId, secretKey: wrong })
    await cancelRequest({ processId, secretKey: Buffer.concat([secretKey, secretKey]) })
    await cancelRequest({ processId: processId + 1, secretKey })
    const answer = await client.ready()
    expect(errors(answer)).toEqual([])
    expect(rows(answer)).toEqual([['', 'done']])
  })

  it.each([0, 2])(
    'names the server process, as pg_backend_pid() and notifications do (protocol 3.%i)',
    async (minor) => {
      const client = await bed.wire('officer', { minor })
      const { processId } = secretKeyOf(client.greeting)
      client.send(encodeQuery('select pg_backend_pid()'))
      expect(rows(await client.ready())).toEqual([[String(processId)]])
      client.send(encodeQuery('listen own; notify own'))
      const [told] = of(await client.ready(), 'NotificationResponse')
      expect(told?.processId).toBe(processId)
    },
  )

  it('has sent its signal when the connection of the request ends, so that the next statement is not hit', async () => {
    const client = await bed.wire('officer')
    for (let round = 0; round < 20; round++) {
      client.send(encodeQuery('select pg_sleep(30)'))
      await sleeping()
      await cancelRequest(secretKeyOf(client.greeting))
      client.send(encodeQuery('select 1'))
      expect(errors(await client.ready()).map(({ code }) => code)).toEqual(['57014'])
      expect(errors(await client.ready())).toEqual([])
    }
  })
})
