import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeCertificates } from './certificates.ts'
import { startPostgres } from '../src/store/embedded/postgres-server.ts'
import { issueCertificate } from './x509.ts'

const DAY = 24 * 3600_000
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const certificate = async (file: string) => new X509Certificate(await readFile(file))

describe('makeCertificates', () => {
  it('makes an authority, a server and a client that verify each other over TLS', async () => {
    const files = await makeCertificates(directory, { clientName: 'gateway' })
    const ca = await readFile(files.caFile)
    const server = createServer({
      key: await readFile(files.serverKeyFile),
      cert: await readFile(files.serverCertFile),
      ca,
      requestCert: true,
      rejectUnauthorized: true,
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    const seen = new Promise<TLSSocket>((resolve) => server.once('secureConnection', resolve))
    const client = connect({
      host: '127.0.0.1',
      port: address.port,
      ca,
      key: await readFile(files.clientKeyFile),
      cert: await readFile(files.clientCertFile),
    })
    await once(client, 'secureConnect')
    expect(client.authorized).toBe(true)
    const accepted = await seen
    expect(accepted.authorized).toBe(true)
    expect(accepted.getPeerCertificate().subject.CN).toBe('gateway')
    client.destroy()
    server.close()
    const { subjectAltName, ca: isAuthority } = await certificate(files.serverCertFile)
    expect(subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect([isAuthority, (await certificate(files.caFile)).ca]).toEqual([false, true])
  })

  it('keeps keys to their owner and lasts for 30 days', async () => {
    const now = Date.parse('2026-05-01T00:00:00Z')
    const files = await makeCertificates(directory, { now })
    for (const key of [files.serverKeyFile, files.clientKeyFile]) expect((await stat(key)).mode & 0o777).toBe(0o600)
    const { validToDate } = await certificate(files.serverCertFile)
    expect(validToDate.getTime()).toBe(now + 30 * DAY)
  })

  it('keeps what is still good and replaces what is not, as a whole', async () => {
    const now = Date.parse('2026-05-01T00:00:00Z')
    const files = await makeCertificates(directory, { now })
    const read = () => Promise.all(Object.values(files).map((file: string) => readFile(file, 'utf8')))
    let before = await read()
    const changes = async (options: Parameters<typeof makeCertificates>[1]) => {
      expect(await makeCertificates(directory, options)).toEqual(files)
      const after = await read()
      const changed = after.filter((text, index) => text !== before[index]).length
      before = after
      return changed
    }
    expect(await changes({ now })).toBe(0)
    expect(await changes({ now: now + 28 * DAY })).toBe(0)
    expect(await changes({ now: now + 29 * DAY })).toBe(5)
    expect(await changes({ now: now + 29 * DAY, clientName: 'other' })).toBe(5)
    const later = { now: now + 29 * DAY, clientName: 'other' }
    await writeFile(files.clientCertFile, 'no certificate')
    expect(await changes(later)).toBe(5)
    await writeFile(files.serverKeyFile, await readFile(files.clientKeyFile))
    expect(await changes(later)).toBe(5)
    await rm(files.caFile)
    expect(await changes(later)).toBe(5)
    await chmod(files.serverKeyFile, 0o644)
    await rm(files.caFile)
    await changes(later)
    expect((await stat(files.serverKeyFile)).mode & 0o777).toBe(0o600)
  })

  it('serves PostgreSQL, which takes the client certificate for a login', async () => {
    const files = await makeCertificates(join(directory, 'tls'), { clientName: 'gateway' })
    const server = await startPostgres({
      superuserPassword: 'superuser',
      tls: { cert: files.serverCertFile, key: files.serverKeyFile, ca: files.caFile },
      hba: ['hostssl all gateway 127.0.0.1/32 cert', 'hostnossl all all 127.0.0.1/32 reject'],
    })
    try {
      const ca = await readFile(files.caFile, 'utf8')
      const login = { host: '127.0.0.1', port: server.port, database: 'postgres' }
      const admin = new Client({ ...login, user: 'postgres', password: server.password, ssl: { ca } })
      await admin.connect()
      await admin.query('CREATE ROLE gateway LOGIN')
      const plain = new Client({ ...login, user: 'postgres', password: server.password })
      await expect(plain.connect()).rejects.toMatchObject({ code: '28000' })
      const key = await readFile(files.clientKeyFile, 'utf8')
      const cert = await readFile(files.clientCertFile, 'utf8')
      const client = new Client({ ...login, user: 'gateway', ssl: { ca, key, cert } })
      await client.connect()
      const { rows } = await client.query(
        'SELECT current_user AS who, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      )
      expect(rows).toEqual([{ who: 'gateway', ssl: true }])
      await Promise.all([admin.end(), client.end()])
    } finally {
      await server.stop()
    }
  })
})

describe('issueCertificate', () => {
  it('refuses a time that its encoding cannot hold', () => {
    const notBefore = new Date('2026-01-01T00:00:00Z')
    const notAfter = new Date('2050-01-01T00:00:00Z')
    expect(() => issueCertificate({ commonName: 'x', usage: 'authority', notBefore, notAfter })).toThrow(RangeError)
  })
})
