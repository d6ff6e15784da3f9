import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { Pack } from '../src/phi/packs.ts'
import { makeCertificates } from './certificates.ts'
import { AGENTS_GROUP, demoConfig, OFFICERS_GROUP } from './chaperone.yaml.ts'
import { loadHospital, type LoadProgress } from './hospital/load.ts'
import { CLINICIANS_GROUP, type DemoControls, policyTests } from './controls.ts'
import { type IdentityProvider, type IdentityProviderOptions, startIdentityProvider } from './identity-provider.ts'
import { type PostgresServer, startPostgres } from '../src/store/embedded/postgres-server.ts'

export interface DemoOptions {
  readonly patients: number
  readonly seed: number
  /** 0: a free one. */
  readonly listenPort?: number
  readonly durability?: 'fsync' | 'process-crash'
  /** age recipients of the exact statements; unset keeps none. */
  readonly sealTo?: readonly string[]
  /** What masking does; HIPAA Safe Harbor unless said otherwise. */
  readonly pack?: Pack
  /** Delegation, approvals, budgets and alerts, with the web listener at this port, and alerts to this address. */
  readonly controls?: { readonly webPort: number; readonly alertUrl: string }
  /** Settings of the database server. */
  readonly serverSettings?: Readonly<Record<string, string>>
  readonly onStep: (text: string) => void
  readonly onProgress?: (progress: LoadProgress) => void
}

/** Everything around the gateway: a hospital database, somebody who says who is who, certificates and a configuration. */
export interface DemoEnvironment {
  readonly directory: string
  readonly configFile: string
  readonly caFile: string
  readonly postgres: PostgresServer
  readonly identityProvider: IdentityProvider
  readonly appPassword: string
  /** A fresh token of one of the demo's clients. */
  token(client: DemoClient): Promise<string>
  stop(): Promise<void>
}

export const DEMO_CLIENTS = {
  agent: { id: 'care-agent', secret: 'care-agent-secret' },
  clinician: { id: 'clinician', secret: 'clinician-secret' },
  officer: { id: 'privacy-officer', secret: 'privacy-officer-secret' },
  stranger: { id: 'stranger', secret: 'stranger-secret' },
} as const

export type DemoClient = keyof typeof DEMO_CLIENTS

const AUDIENCE = 'chaperone'
const DATABASE = 'hospital'

/** Starts it all in a directory of its own, which `stop` removes. */
export async function startDemoEnvironment(options: DemoOptions): Promise<DemoEnvironment> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'chaperone-demo-')))
  const stops: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })]
  const stop = async () => {
    for (const one of stops.splice(0).toReversed()) await one()
  }
  try {
    options.onStep('certificates')
    const certificates = await makeCertificates(join(directory, 'tls'))
    options.onStep('PostgreSQL')
    const superuserPassword = randomBytes(18).toString('base64url')
    const appPassword = randomBytes(18).toString('base64url')
    const postgres = await startPostgres({
      superuserPassword,
      tls: { cert: certificates.serverCertFile, key: certificates.serverKeyFile },
      settings: options.serverSettings ?? {},
    })
    stops.push(() => postgres.stop())
    options.onStep(`synthetic patients: ${options.patients.toLocaleString('en')}`)
    const server = { host: postgres.host, port: postgres.port, user: postgres.superuser, password: postgres.password }
    await createDatabase(server)
    await loadHospital({
      connection: { ...server, database: DATABASE },
      appPassword,
      seed: options.seed,
      patients: options.patients,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    })
    options.onStep('development identity provider')
    const identityProvider = await startIdentityProvider({
      audience: AUDIENCE,
      clients: [
        {
          ...DEMO_CLIENTS.agent,
          subject: 'agent:care-planner',
          kind: 'agent',
          groups: [AGENTS_GROUP],
          name: 'Care planner',
        },
        {
          ...DEMO_CLIENTS.officer,
          subject: 'p.officer@example.org',
          kind: 'human',
          groups: [OFFICERS_GROUP],
          name: 'Privacy officer',
        },
        {
          ...DEMO_CLIENTS.clinician,
          subject: 'dr.rivera@example.org',
          kind: 'human',
          groups: [CLINICIANS_GROUP],
          name: 'Dr. Rivera',
        },
        {
          ...DEMO_CLIENTS.stranger,
          subject: 'agent:stranger',
          kind: 'agent',
          groups: [],
          name: 'Nobody in particular',
        },
      ],
      ...signIns(options.controls?.webPort),
    })
    stops.push(() => identityProvider.close())
    const passwordFile = join(directory, 'database-password')
    await writeFile(passwordFile, `${appPassword}\n`, { mode: 0o600 })
    const configFile = join(directory, 'chaperone.yaml')
    await mkdir(join(directory, 'state'), { mode: 0o700 })
    const controls = options.controls && (await writeControls(directory, options.controls))
    await writeFile(
      configFile,
      demoConfig({
        listenPort: options.listenPort ?? 0,
        listenTls: { certificate: certificates.serverCertFile, key: certificates.serverKeyFile },
        state: join(directory, 'state'),
        issuer: { url: identityProvider.issuer, audience: AUDIENCE },
        database: { host: postgres.host, port: postgres.port, name: DATABASE, passwordFile, ca: certificates.caFile },
        sealTo: options.sealTo,
        pack: options.pack ?? 'hipaa-safe-harbor',
        ...(options.durability === undefined ? {} : { durability: options.durability }),
        ...(controls === undefined ? {} : { controls }),
      }),
    )
    return {
      directory,
      configFile,
      caFile: certificates.caFile,
      postgres,
      identityProvider,
      appPassword,
      token: (client) => identityProvider.token(DEMO_CLIENTS[client].id),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const PAGE_SECRET = 'chaperone-page-secret'

/** People and programs that sign in with a browser, for the page and for "chaperone login". */
function signIns(webPort: number | undefined): Pick<IdentityProviderOptions, 'people' | 'webClients'> {
  if (webPort === undefined) return {}
  return {
    people: [
      { subject: 'p.officer@example.org', kind: 'human', groups: [OFFICERS_GROUP], name: 'Privacy officer' },
      { subject: 'dr.rivera@example.org', kind: 'human', groups: [CLINICIANS_GROUP], name: 'Dr. Rivera' },
    ],
    webClients: [
      { id: 'chaperone-page', secret: PAGE_SECRET, redirectUris: [`http://localhost:${webPort}/sign-in/callback`] },
      { id: 'chaperone-cli', redirectUris: ['http://127.0.0.1/callback'] },
    ],
  }
}

async function writeControls(
  directory: string,
  { webPort, alertUrl }: NonNullable<DemoOptions['controls']>,
): Promise<DemoControls> {
  const signInSecretFile = join(directory, 'sign-in-secret')
  const secretFile = join(directory, 'webhook-secret')
  await writeFile(signInSecretFile, `${PAGE_SECRET}\n`, { mode: 0o600 })
  await writeFile(secretFile, `whsec_${randomBytes(32).toString('base64')}\n`, { mode: 0o600 })
  await writeFile(join(directory, 'chaperone.policy-test.yaml'), policyTests())
  return { webPort, signInSecretFile, alerts: { url: alertUrl, secretFile } }
}

async function createDatabase(server: { host: string; port: number; user: string; password: string }): Promise<void> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ ...server, database: 'postgres' })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}
