import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { delegationService, openGatewayIssuer } from '../../src/compose/delegation.ts'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { compilePolicy } from '../../src/decide/policy.ts'
import { OidcVerifier } from '../../src/identity/oidc/oidc-verifier.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { startWebListener } from '../../src/web/web-listener.ts'

/** An identity provider, and a gateway's web listener that exchanges its tokens. */
export interface ExchangeBed {
  readonly directory: string
  readonly configFile: string
  readonly url: string
  readonly provider: IdentityProvider
  readonly verifier: OidcVerifier
  /** What was put on record. */
  readonly records: readonly Readonly<Record<string, string>>[]
  readonly log: readonly string[]
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

const documentOf = (issuer: string, url: string, port: number): object => ({
  version: 1,
  listen: {
    postgres: { host: '127.0.0.1', allowPlaintextPasswordOnLoopback: true },
    web: { host: '127.0.0.1', port, publicUrl: url },
  },
  journal: { statementsAreNotSealed: true },
  delegation: { lifetime: '5m' },
  issuers: [
    {
      name: 'dev',
      issuer,
      allowInsecureLoopbackIssuer: true,
      audience: 'chaperone',
      algorithms: ['ES256'],
      claims: { name: 'name', kind: { claim: 'kind', values: { human: 'human', agent: 'agent' } } },
    },
  ],
  targets: {
    hospital: { host: 'db.example.org', user: 'gateway', credential: 'none' },
    billing: { host: 'db.example.org', user: 'gateway', credential: 'none' },
  },
  grants: [{ name: 'all', principals: [{ kind: 'agent' }, { kind: 'human' }], targets: ['hospital'] }],
})

export interface ExchangeBedOptions {
  readonly tokenLifetimeSeconds?: number
  readonly exchanges?: boolean
}

export async function startExchangeBed({
  tokenLifetimeSeconds = 900,
  exchanges = true,
}: ExchangeBedOptions = {}): Promise<ExchangeBed> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  const provider = await startIdentityProvider({
    clients: [{ id: 'executor', secret: 'e', kind: 'agent', groups: ['executors'], name: 'Executor' }],
    people: [
      { subject: 'ann', kind: 'human', groups: ['doctors'], name: 'Ann' },
      { subject: 'bob', kind: 'human', groups: [], name: 'Bob' },
    ],
    webClients: [{ id: 'cli', redirectUris: ['http://127.0.0.1/callback'] }],
    audience: 'chaperone',
    tokenLifetimeSeconds,
  })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const configFile = join(directory, 'chaperone.yaml')
  await writeFile(configFile, stringify(documentOf(provider.issuer, url, port)))
  const config = loadConfig(configFile, {}, policyChecks)
  const gateway = await openGatewayIssuer(config, {}, true)
  if (gateway === undefined) throw new Error('delegation is configured')
  const verifier = new OidcVerifier(config.issuers, { gateway: gateway.issuer })
  await verifier.start()
  const policy = compilePolicy(config)
  const records: Readonly<Record<string, string>>[] = []
  const log: string[] = []
  const write = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`)
  const verify = (token: string) => verifier.verify(token)
  const delegation = delegationService({
    config,
    gateway,
    verify,
    policy: () => policy,
    record: async (what) => void records.push(what),
    clock: systemClock,
    log: { info: write, warn: write, error: write },
  })
  const web = await startWebListener({
    host: '127.0.0.1',
    port,
    tls: undefined,
    publicUrl: url,
    services: {
      verify,
      delegation: exchanges ? delegation : undefined,
      approvals: undefined,
      access: undefined,
      about: {
        version: '0',
        postgres: { host: 'localhost', port: 5499 },
        signIn: { issuer: provider.issuer, clientId: 'cli', scopes: ['openid', 'offline_access'] },
      },
    },
    signIn: undefined,
    clock: systemClock,
    onError: ({ code, reason }) => void log.push(`${code} ${reason ?? ''}`),
  })
  return {
    directory,
    configFile,
    url,
    provider,
    verifier,
    records,
    log,
    stop: async () => {
      verifier.close()
      await web.close()
      await provider.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
