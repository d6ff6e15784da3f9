import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFiles, makeCertificates } from '../../demo/certificates.ts'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { type PostgresServer, startPostgres } from '../../src/store/embedded/postgres-server.ts'
import { checkLive, type LiveFinding } from '../../src/check-live.ts'
import { parseConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { CredentialResolver } from '../../src/forward/credential.ts'
import { dialPostgres } from '../../src/forward/postgres-target.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { readCatalog } from '../../src/protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from '../../src/protocols/postgres/limits.ts'
import { noPooler, startPooler } from '../support/pooler.ts'

const PASSWORD = 'correct horse battery staple'

let directory: string
let certificates: CertificateFiles
let server: PostgresServer
let identityProvider: IdentityProvider
const log: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-target-'))
  identityProvider = await startIdentityProvider({ audience: 'chaperone', clients: [] })
  certificates = await makeCertificates(join(directory, 'tls'), { clientName: 'by_certificate' })
  server = await startPostgres({
    superuserPassword: PASSWORD,
    tls: { cert: certificates.serverCertFile, key: certificates.serverKeyFile, ca: certificates.caFile },
    settings: { log_connections: 'on', password_encryption: 'scram-sha-256' },
    hba: [
      'hostssl all by_certificate 127.0.0.1/32 cert',
      'host all by_md5 127.0.0.1/32 md5',
      'host all by_cleartext 127.0.0.1/32 password',
    ],
    onLog: (line) => log.push(line),
  })
  const admin = new Client({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    password: PASSWORD,
    database: 'postgres',
  })
  await admin.connect()
  await admin.query(`
    CREATE ROLE plain LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE by_certificate LOGIN;
    CREATE ROLE by_cleartext LOGIN PASSWORD '${PASSWORD}';
    CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}' IN ROLE pg_read_server_files;
    CREATE ROLE bypasser LOGIN PASSWORD '${PASSWORD}' BYPASSRLS;
    CREATE ROLE replicator LOGIN PASSWORD '${PASSWORD}' REPLICATION;
    SET password_encryption = 'md5';
    CREATE ROLE by_md5 LOGIN PASSWORD '${PASSWORD}';
    CREATE TABLE public.people (id int, name text);
    CREATE SCHEMA extra;
    CREATE TABLE extra.documents (body jsonb, note text);
    CREATE FUNCTION extra.initials(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN left($1, 1); END';`)
  await admin.end()
  await writeFile(join(directory, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
  await writeFile(join(directory, 'wrong'), 'not the password\n', { mode: 0o600 })
}, 120_000)

afterAll(async () => {
  await server.stop()
  await identityProvider.close()
  await rm(directory, { recursive: true, force: true })
})

interface Target {
  readonly user?: string
  readonly host?: string
  readonly port?: number
  readonly credential?: string
  readonly tls?: string
  readonly more?: string
  readonly labels?: string
  /** Further keys of the section phi. */
  readonly phi?: string
}

function configOf(target: Target) {
  const { user = 'plain', host = 'localhost', port = server.port, more = '' } = target
  const credential = target.credential ?? `{ file: ${join(directory, 'password')} }`
  const tls = target.tls ?? `{ mode: verify-full, ca: ${certificates.caFile} }`
  const text = `version: 1
listen: { postgres: { host: 127.0.0.1, port: 0, allowPlaintextPasswordOnLoopback: true } }
journal: { statementsAreNotSealed: true }
issuers:
  - { name: dev, issuer: '${identityProvider.issuer}', allowInsecureLoopbackIssuer: true, audience: chaperone, claims: { kind: { fixed: service } } }
targets:
  db: { host: ${host}, port: ${port}, database: postgres, user: ${user}, credential: ${credential}, tls: ${tls}${more} }
grants: [{ name: all, principals: [{ kind: service }], targets: [db] }]
phi: { ${target.phi ?? 'pack: hipaa-safe-harbor'}, labels: { db: { ${target.labels ?? 'public.*: none, extra.*: none'} } } }
`
  return parseConfig(text, join(directory, 'chaperone.yaml'), {}, policyChecks)
}

/** Logs in as the gateway does, runs the checks and reads the catalog; the reason of the refusal otherwise. */
async function login(target: Target): Promise<string> {
  const config = configOf(target)
  const credentials = new CredentialResolver({}, systemClock)
  const db = config.targets['db']
  if (db === undefined) throw new Error('no target')
  try {
    const catalog = await readCatalog(() => dialPostgres(db, credentials), DEFAULT_FRAME_LIMITS)
    return `PostgreSQL ${catalog.serverMajor}`
  } catch (error) {
    if (!(error instanceof ChaperoneError)) throw error
    expect(JSON.stringify([error.message, error.reason, error.hint])).not.toContain(PASSWORD)
    return `${error.code}: ${error.reason ?? ''}`
  }
}

describe('logging in to a target', () => {
  it('uses SCRAM with channel binding inside TLS', async () => {
    const before = log.length
    expect(await login({})).toBe('PostgreSQL 18')
    expect(log.slice(before).join('\n')).toMatch(/method=scram-sha-256/)
  })

  it('uses SCRAM without TLS only where the target says so', async () => {
    expect(await login({ tls: '{ mode: plaintextWithoutTls }' })).toBe('PostgreSQL 18')
  })

  it('uses a client certificate', async () => {
    const certificate = `{ clientCertificate: ${certificates.clientCertFile}, clientKey: ${certificates.clientKeyFile} }`
    expect(await login({ user: 'by_certificate', credential: certificate })).toBe('PostgreSQL 18')
  })

  it('sends a password in clear inside TLS only', async () => {
    expect(await login({ user: 'by_cleartext' })).toBe('PostgreSQL 18')
    expect(await login({ user: 'by_cleartext', tls: '{ mode: plaintextWithoutTls }' })).toMatch(
      /^CHP-TARGET-REFUSED: .*in clear outside TLS/,
    )
  })

  it('uses MD5 only where the target accepts it by name', async () => {
    expect(await login({ user: 'by_md5' })).toMatch(/^CHP-TARGET-REFUSED: .*MD5/)
    expect(await login({ user: 'by_md5', more: ', acceptRisks: [md5-password]' })).toBe('PostgreSQL 18')
  })

  it('says that a password is wrong, without it', async () => {
    expect(await login({ credential: `{ file: ${join(directory, 'wrong')} }` })).toMatch(
      /^CHP-TARGET-UNREACHABLE: .*28P01/,
    )
  })

  it('takes the password from a command that prints it', async () => {
    const command = `{ command: [/bin/sh, -c, 'cat ${join(directory, 'password')}'] }`
    expect(await login({ credential: command })).toBe('PostgreSQL 18')
    expect(await login({ credential: '{ command: [/bin/sh, -c, "echo secret-in-output >&2; exit 3"] }' })).toMatch(
      /^CHP-TARGET-UNREACHABLE: credential: the command \/bin\/sh failed/,
    )
  })
})

describe('the certificate of a target', () => {
  it('must come from the configured authority', async () => {
    const others = await makeCertificates(join(directory, 'other-tls'))
    expect(await login({ tls: `{ mode: verify-full, ca: ${others.caFile} }` })).toMatch(/^CHP-TARGET-UNREACHABLE: TLS/)
    expect(await login({ tls: '{ mode: verify-full }' })).toMatch(/^CHP-TARGET-UNREACHABLE: TLS/)
  })

  it('must name the host, unless another name or a weaker mode is configured', async () => {
    const ca = `ca: ${certificates.caFile}`
    expect(await login({ tls: `{ mode: verify-full, ${ca}, serverName: db.example.org }` })).toMatch(
      /^CHP-TARGET-UNREACHABLE: TLS/,
    )
    expect(await login({ tls: `{ mode: verifyCaOnly, ${ca}, serverName: db.example.org }` })).toBe('PostgreSQL 18')
    expect(await login({ tls: '{ mode: insecureSkipVerify }' })).toBe('PostgreSQL 18')
  })

  it('cannot be checked on a port where nobody answers', async () => {
    expect(await login({ port: 1 })).toMatch(/^CHP-TARGET-UNREACHABLE/)
  })
})

describe('the role of a target', () => {
  it.each([
    ['postgres', 'superuser'],
    ['reader', 'server-files'],
    ['bypasser', 'bypass-row-security'],
    ['replicator', 'replication'],
  ])('%s is refused unless %s is accepted by name', async (user, risk) => {
    expect(await login({ user })).toMatch(new RegExp(`^CHP-TARGET-REFUSED: .*acceptRisks: \\[${risk}\\]`))
    expect(await login({ user, more: `, acceptRisks: [${risk}]` })).toBe('PostgreSQL 18')
  })
})

describe.skipIf(noPooler !== undefined)(
  `a pooler in between${noPooler === undefined ? '' : ` (skipped: ${noPooler})`}`,
  () => {
    it.each([
      ['session', /^PostgreSQL 18$/],
      ['transaction', /^CHP-TARGET-REFUSED: .*pools transactions/],
    ] as const)('is refused in %s mode, and accepted by name where it pools sessions', async (mode, accepted) => {
      const account = { port: server.port, database: 'postgres', user: 'plain', password: PASSWORD }
      const pooler = await startPooler(account, mode)
      try {
        const target = { port: pooler.port, tls: '{ mode: plaintextWithoutTls }' }
        expect(await login(target)).toMatch(/^CHP-TARGET-REFUSED: .*pooler.*acceptRisks: \[session-pooler\]/)
        expect(await login({ ...target, more: ', acceptRisks: [session-pooler]' })).toMatch(accepted)
      } finally {
        await pooler.stop()
      }
    })
  },
)

async function findings(target: Target): Promise<LiveFinding[]> {
  const found: LiveFinding[] = []
  for await (const finding of checkLive(configOf(target), {})) found.push(finding)
  return found
}

describe('chaperone check', () => {
  it('finds nothing wrong with a configuration that fits', async () => {
    expect((await findings({})).filter(({ level }) => level !== 'info')).toEqual([])
  })

  it('reports labels on what does not exist, with their place in the file', async () => {
    const labels =
      'public.people.name: name, public.people.surname: name, public.nobody.*: none, nowhere.*: none, public.*: none, extra.*: none'
    const problems = (await findings({ labels })).filter(({ level }) => level === 'problem')
    expect(problems.map(({ message }) => /label (\S+)/.exec(message)?.[1])).toEqual([
      'public.people.surname',
      'public.nobody.*',
      'nowhere.*',
    ])
    expect(problems.every(({ line, column }) => line === 9 && column > 1)).toBe(true)
  })

  it('warns of columns without a label', async () => {
    const [warning] = (await findings({ labels: 'public.people.name: name, extra.*: none' })).filter(
      ({ level }) => level === 'warning',
    )
    expect(warning?.message).toMatch(/1 column\(s\) have no label and are masked whole: public\.people\.id/)
  })

  it('reports documents on columns that hold no JSON, and functions that do not exist', async () => {
    const part = '{ class: free-text, members: { a: name } }'
    const labels = `extra.documents.body: ${part}, extra.documents.note: ${part}, public.*: none`
    const phi = 'trustedFunctions: { db: [extra.initials, extra.initial] }'
    const problems = (await findings({ labels, phi })).filter(({ level }) => level === 'problem')
    expect(problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '9 the column extra.documents.note in target db is neither json nor jsonb',
      '9 there is no function extra.initial in target db',
    ])
  })

  it('says what the file releases beyond Safe Harbor', async () => {
    const warnings = (await findings({ phi: 'pack: minimum-necessary', more: ', catalogCheck: bounded' })).filter(
      ({ level }) => level === 'warning',
    )
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('not de-identification'),
      expect.stringContaining('catalogCheck is bounded'),
    ])
  })

  it('reports a target that cannot be logged in to', async () => {
    const [problem] = await findings({ user: 'nobody_at_all' })
    expect(problem).toMatchObject({ level: 'problem' })
    expect(problem?.message).toContain('CHP-TARGET-UNREACHABLE')
  })
})
