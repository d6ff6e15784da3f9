import { randomBytes } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import type { DevelopmentPerson } from '../../demo/sign-in-pages.ts'
import type { ApprovalOptions } from '../../src/approve/approval-options.ts'
import { ApprovalService } from '../../src/approve/approval-service.ts'
import { MemoryApprovalRepository } from '../../src/approve/memory-approval-repository-test-support.ts'
import { Passkeys } from '../../src/approve/passkeys.ts'
import { newRequest } from '../../src/approve/request-test-support.ts'
import type { ApprovalRequest, NewRequest } from '../../src/approve/approval-request.ts'
import type { StepUp } from '../../src/config/config.ts'
import { OidcVerifier } from '../../src/identity/oidc/oidc-verifier.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { SignIn } from '../../src/web/sign-in.ts'
import { startWebListener, type WebListener } from '../../src/web/web-listener.ts'
import type { AccessService, Preview, WebServices } from '../../src/web/web-services.ts'
import { newPerson, type Person } from './browser.ts'
import { MemoryPasskeys } from './memory-passkeys-test-support.ts'

export const PEOPLE: readonly DevelopmentPerson[] = [
  { subject: 'ana@example.org', kind: 'human', groups: ['clinicians'], name: 'Ana Approver' },
  { subject: 'ben@example.org', kind: 'human', groups: ['clinicians', 'privacy'], name: 'Ben Officer' },
  { subject: 'dora@example.org', kind: 'human', groups: ['clinicians'], name: 'Dr. Dora Delegator' },
  { subject: 'sam@example.org', kind: 'human', groups: [], name: 'Sam Stranger' },
  { subject: 'agent:robot', kind: 'agent', groups: ['clinicians'], name: 'Robot' },
]

export interface WebGateway {
  readonly url: string
  readonly service: ApprovalService
  readonly repository: MemoryApprovalRepository
  /** Refused decisions, as the alerts would tell them. */
  readonly invalid: readonly string[]
  readonly errors: readonly ChaperoneError[]
  preview: Preview | undefined
  /** A request that waits. */
  ask(more?: Partial<NewRequest>): Promise<ApprovalRequest>
  state(id: string): Promise<ApprovalRequest>
  signedIn(browser: Browser, name: string): Promise<Person>
  stop(): Promise<void>
}

const HOUR = 3_600_000

/** The web listener with approvals behind it and an identity provider beside it; only the store is in memory. */
export async function startWebGateway(stepUp: StepUp, more: Partial<ApprovalOptions> = {}): Promise<WebGateway> {
  const port = await freePort()
  const publicUrl = `http://localhost:${port}`
  const provider = await startIdentityProvider({
    clients: [],
    people: PEOPLE,
    webClients: [{ id: 'page', secret: 'page-secret', redirectUris: [`${publicUrl}/sign-in/callback`] }],
    audience: 'chaperone',
  })
  const verifier = await verifierOf(provider)
  const repository = new MemoryApprovalRepository()
  // The clock of a store: that of the machine, and what a test adds to it.
  let ahead = 0
  Object.defineProperty(repository, 'now', {
    get: () => Date.now() + ahead,
    set: (now: number) => {
      ahead = now - Date.now()
    },
  })
  const clock = () => repository.now
  const invalid: string[] = []
  const errors: ChaperoneError[] = []
  const key = randomBytes(32)
  const recorder = { record: () => Promise.resolve() }
  const passkeys = new Passkeys({
    repository: new MemoryPasskeys(),
    publicUrl,
    key,
    recorder,
    onRegistered: () => undefined,
    clock,
  })
  const service = new ApprovalService({
    config: { stepUp, requestLifetime: HOUR, maxApproval: 8 * HOUR, maxPending: 100, webhooks: [] },
    publicUrl,
    repository,
    signing: passkeys,
    key,
    recorder,
    effects: { access: () => Promise.resolve(true), policy: () => Promise.resolve(true) },
    isRevoked: () => false,
    onInvalid: (_id, by, reason) => invalid.push(`${by.subject}: ${reason}`),
    onBackgroundError: (error) => errors.push(error),
    onMessages: () => undefined,
    clock,
    ...more,
  })
  const gateway: { preview: Preview | undefined } = { preview: undefined }
  const services: WebServices = {
    verify: (token) => verifier.verify(token),
    delegation: undefined,
    access: accessOf(service),
    about: { version: '0.0.0', postgres: { host: 'localhost', port: 5432 } },
    approvals: {
      desk: service.desk,
      withdraw: (id) => service.withdraw(id),
      stepUp,
      maxMinutes: 480,
      passkeys,
      poolsOf: ({ groups }) => new Set(groups),
      preview: async () => gateway.preview,
    },
  }
  const signIn = new SignIn({
    issuer: { issuer: provider.issuer, allowInsecureLoopback: true, fetchTimeoutSeconds: 5, caFile: undefined },
    settings: { clientId: 'page', scopes: ['openid', 'profile'] },
    clientSecret: async () => 'page-secret',
    publicUrl,
    verify: services.verify,
    clock,
  })
  const listener = await startWebListener({
    host: 'localhost',
    port,
    tls: undefined,
    publicUrl,
    services,
    signIn,
    clock,
    onError: (error) => errors.push(error),
  })
  return Object.assign(gateway, {
    url: publicUrl,
    service,
    repository,
    invalid,
    errors,
    ask: async (change: Partial<NewRequest> = {}) => {
      const coverage = await service.ask(
        newRequest({ ...change, digest: change.digest ?? randomBytes(32).toString('hex') }),
      )
      return coverage.request
    },
    state: async (id: string) => {
      const request = await service.desk.get(id)
      if (request === undefined) throw new Error('there is no such request')
      return request
    },
    signedIn: (browser: Browser, name: string) => signedIn(browser, publicUrl, name),
    stop: () => stop({ listener, service, verifier, provider }),
  })
}

async function signedIn(browser: Browser, url: string, name: string): Promise<Person> {
  const person = await newPerson(browser)
  await person.page.goto(`${url}/approvals`)
  await person.page.getByRole('link', { name: 'Sign in' }).click()
  await person.page.getByRole('button', { name }).click()
  await person.page.getByRole('heading', { name: 'Requests' }).waitFor()
  return person
}

async function verifierOf({ issuer }: IdentityProvider): Promise<OidcVerifier> {
  const verifier = new OidcVerifier([
    {
      name: 'clinic',
      issuer,
      audiences: ['chaperone'],
      algorithms: ['ES256'],
      clockSkewSeconds: 5,
      maxLifetimeSeconds: 3600,
      jwksCacheSeconds: 600,
      jwksCooldownSeconds: 30,
      allowInsecureLoopback: true,
      claims: {
        subject: 'sub',
        groups: 'groups',
        name: 'name',
        kind: { claim: 'kind', values: { agent: 'agent', human: 'human', service: 'service' } },
      },
    },
  ])
  await verifier.start()
  return verifier
}

const GRANT = { name: 'break-glass', targets: ['hospital'], clearance: 'clear', maxDurationMs: 4 * HOUR }

/** One grant that clinicians may ask for. */
const accessOf = (service: ApprovalService): AccessService => ({
  requestable: ({ groups }) => (groups.includes('clinicians') ? [GRANT] : []),
  request: async (principal, { grant, durationMs, justification }) => {
    if (grant !== GRANT.name) throw new ChaperoneError('CHP-AUTH-REFUSED')
    const { issuer, subject, kind, name } = principal
    const { request } = await service.ask({
      digest: randomBytes(32).toString('hex'),
      chain: [{ issuer, subject, kind, ...(name === undefined ? {} : { name }) }],
      chainKey: JSON.stringify([`${issuer}/${subject}`]),
      needs: [{ pools: ['privacy'], quorum: 1, rule: grant }],
      subject: { kind: 'access', shown: { ...GRANT, grant, durationMs, justification } },
    })
    return request
  },
})

async function stop(parts: {
  readonly listener: WebListener
  readonly service: ApprovalService
  readonly verifier: OidcVerifier
  readonly provider: IdentityProvider
}): Promise<void> {
  await parts.listener.close()
  await parts.service.close()
  parts.verifier.close()
  await parts.provider.close()
}
