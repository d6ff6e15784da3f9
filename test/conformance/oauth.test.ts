import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  encodePassword,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
} from '../../src/protocols/postgres/encode.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { openSocket, rows, startup, status, WireClient } from '../support/wire-client.ts'

let bed: Testbed
beforeAll(async () => {
  bed = await startTestbed({ patients: 20 })
})
afterAll(() => bed?.stop())

/** libpq 18 with TLS, as the package of psycopg from PyPI brings it (npm run setup:extras). */
const EXTRAS = process.env['CHAPERONE_EXTRAS'] ?? join(homedir(), '.cache/chaperone-extras')
const [library] = globSync(join(EXTRAS, 'python/lib/python3*/site-packages/psycopg_binary.libs/libpq-*.so.5.18'))
const MISSING = 'skipped without it: npm run setup:extras'

/** What the script says of a login, line by line. */
async function libpq(conninfo: string, token: string): Promise<readonly string[]> {
  const all = `host=localhost port=${bed.gateway.port} dbname=${DEMO_TARGET} sslmode=verify-full sslrootcert=${bed.environment.caFile} ${conninfo}`
  const child = spawn('python3', [join(import.meta.dirname, 'libpq-oauth.py'), library ?? '', all], {
    // The demo's issuer has no TLS, which libpq takes for a trial only.
    env: { PATH: process.env['PATH'], PGOAUTHDEBUG: 'UNSAFE', PYTHONUNBUFFERED: '1' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.end(token)
  return (await text(child.stdout)).trim().split('\n')
}

async function direct(protocols: readonly string[]): Promise<TLSSocket> {
  const { port } = bed.gateway
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    ca: bed.ca,
    servername: 'localhost',
    ALPNProtocols: [...protocols],
  })
  socket.on('error', () => undefined)
  await once(socket, 'secureConnect')
  return socket
}

const bearer = (token: string) =>
  encodeSaslInitialResponse({
    mechanism: 'OAUTHBEARER',
    response: Buffer.from(`n,,\u0001auth=${token === '' ? '' : `Bearer ${token}`}\u0001\u0001`),
  })

const oauth = (issuer: string) => `user=oauth oauth_issuer=${issuer} oauth_client_id=any require_auth=oauth`
const issuer = () => bed.config.issuers[0]?.issuer ?? expect.fail('no issuer')

async function begun(token: string): Promise<WireClient> {
  const client = new WireClient(await direct(['postgresql']))
  client.send(startup({ database: DEMO_TARGET, user: 'oauth' }))
  await client.upTo('AuthenticationSASL')
  client.send(bearer(token))
  return client
}

describe('TLS from the first byte (sslnegotiation=direct)', () => {
  it('opens a session for a client that names the protocol', async () => {
    const socket = await direct(['postgresql'])
    expect(socket.alpnProtocol).toBe('postgresql')
    const client = new WireClient(socket)
    client.send(startup({ database: DEMO_TARGET }))
    await client.upTo('AuthenticationCleartextPassword')
    client.send(encodePassword(await bed.token('agent')))
    expect(status(await client.ready())).toBe('I')
    client.send(encodeQuery('select 40 + 2'))
    expect(rows(await client.ready())).toEqual([['42']])
    await client.close()
  })

  it('leaves nothing to negotiate', async () => {
    const socket = await direct(['postgresql'])
    socket.write(encodeSslRequest())
    expect(await text(socket)).toContain('08P01')
  })

  it('is refused without the name of the protocol, and with another', async () => {
    const { port } = bed.gateway
    for (const ALPNProtocols of [undefined, ['h2']]) {
      const socket = connectTls({
        host: '127.0.0.1',
        port,
        ca: bed.ca,
        servername: 'localhost',
        ...(ALPNProtocols && { ALPNProtocols }),
      })
      let got = 0
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => (got += chunk.length))
      await new Promise((resolve) => socket.once('close', resolve))
      expect(got).toBe(0)
    }
  })

  it('negotiated, the name is checked where one is given, and needs not be', async () => {
    for (const [protocols, expected] of [
      [['postgresql'], 'postgresql'],
      [undefined, false],
    ] as const) {
      const socket = await openSocket(bed.gateway.port)
      socket.write(encodeSslRequest())
      await once(socket, 'data')
      const secure = connectTls({
        socket,
        ca: bed.ca,
        servername: 'localhost',
        ...(protocols && { ALPNProtocols: [...protocols] }),
      })
      await once(secure, 'secureConnect')
      expect(secure.alpnProtocol).toBe(expected)
      secure.destroy()
    }
  })

  it.skipIf(library === undefined)(`libpq 18 (${MISSING})`, async () => {
    const login = `user=agent password=${await bed.token('agent')}`
    for (const sslnegotiation of ['direct', 'postgres']) {
      expect(await libpq(`${login} sslnegotiation=${sslnegotiation}`, '')).toEqual(['value 42'])
    }
  })
})

describe('OAUTHBEARER', () => {
  it('opens a session with the token', async () => {
    const client = await begun(await bed.token('agent'))
    expect(status(await client.ready())).toBe('I')
    client.send(encodeQuery('select 40 + 2'))
    expect(rows(await client.ready())).toEqual([['42']])
    await client.close()
  })

  it('tells a client without a good token where to get one, and the journal has who tried with a bad one', async () => {
    const headers = await bed.recorded(
      async () => {
        for (const token of ['', 'a.b.c']) {
          const client = await begun(token)
          await client.upTo('AuthenticationSASLContinue')
          client.send(encodeSaslResponse(Buffer.from([1])))
          await client.upTo('ErrorResponse')
        }
      },
      (written) => written.some(({ kind }) => kind === 'login-failure'),
    )
    expect(headers.filter(({ kind }) => kind === 'login-failure')).toHaveLength(1)
  })

  describe.skipIf(library === undefined)(`of libpq 18 itself (${MISSING})`, () => {
    it('finds the issuer by what the gateway says, and logs in', async () => {
      expect(await libpq(oauth(issuer()), await bed.token('agent'))).toEqual([
        `discovery ${issuer()}/.well-known/openid-configuration openid`,
        'value 42',
      ])
    })

    it('reports a token that is not good, and another issuer than it was told', async () => {
      expect((await libpq(oauth(issuer()), 'a.b.c')).join('\n')).toContain('the identity token was not accepted')
      expect((await libpq(oauth('http://127.0.0.1:1'), 'a.b.c')).join('\n')).toContain('incompatible')
    })
  })
})
