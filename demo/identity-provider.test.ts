import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OidcVerifier } from '../src/identity/oidc/oidc-verifier.ts'
import { type DevelopmentClient, type IdentityProvider, startIdentityProvider } from './identity-provider.ts'

const clients: readonly DevelopmentClient[] = [
  { id: 'triage', secret: 'a:b c%', subject: 'agent:triage', kind: 'agent', groups: ['readers'], name: 'Triage agent' },
  { id: 'job-1', secret: 'second', kind: 'service', groups: [], name: 'Nightly job' },
]
const banner: string[] = []
let provider: IdentityProvider
let verifier: OidcVerifier

beforeAll(async () => {
  provider = await startIdentityProvider({
    clients,
    audience: 'chaperone',
    tokenLifetimeSeconds: 120,
    onBanner: (line) => banner.push(line),
  })
  verifier = new OidcVerifier([
    {
      name: 'demo',
      issuer: provider.issuer,
      audiences: ['chaperone'],
      algorithms: ['ES256'],
      clockSkewSeconds: 5,
      maxLifetimeSeconds: 600,
      claims: {
        subject: 'sub',
        groups: 'groups',
        name: 'name',
        kind: { claim: 'kind', values: { agent: 'agent', service: 'service' } },
      },
      allowInsecureLoopback: true,
      jwksCacheSeconds: 600,
      jwksCooldownSeconds: 30,
    },
  ])
  await verifier.start()
})

afterAll(async () => {
  verifier.close()
  await provider.close()
  await provider.close()
})

describe('startIdentityProvider', () => {
  it('gives tokens that Chaperone accepts', async () => {
    const token = await provider.token('triage')
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    const identity = await verifier.verify(token)
    expect(identity.principal).toEqual({
      issuer: 'demo',
      subject: 'agent:triage',
      kind: 'agent',
      groups: ['readers'],
      name: 'Triage agent',
    })
    expect(identity.expiresAt - identity.issuedAt).toBe(125_000)
    const other = await verifier.verify(await provider.token('job-1'))
    expect(other.principal).toMatchObject({ subject: 'job-1', kind: 'service', groups: [] })
  })

  it('gives none to a stranger, with a wrong secret, or for another resource', async () => {
    await expect(provider.token('stranger')).rejects.toThrow('no client stranger')
    const ask = async (secret: string, form: Record<string, string>) => {
      const response = await fetch(provider.tokenEndpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`job-1:${secret}`).toString('base64')}` },
        body: new URLSearchParams(form),
      })
      return response.status
    }
    const form = { grant_type: 'client_credentials' }
    expect(await ask('second', form)).toBe(200)
    expect(await ask('wrong', form)).toBe(401)
    expect(await ask('second', { ...form, resource: 'urn:somebody:else' })).toBe(400)
    expect(await ask('second', { grant_type: 'password', username: 'a', password: 'b' })).toBe(400)
  })

  it('says through the callback what it is, and prints nothing', async () => {
    expect(banner).toEqual([expect.stringContaining('DEVELOPMENT identity provider')])
    const script = `
      import { startIdentityProvider } from ${JSON.stringify(join(import.meta.dirname, 'identity-provider.ts'))}
      const clients = [{ id: 'a', secret: 'b', kind: 'agent', groups: [], name: 'A' }]
      const provider = await startIdentityProvider({ clients, audience: 'chaperone' })
      await provider.token('a')
      await provider.close()`
    const run = promisify(execFile)
    const printed = await run(process.execPath, ['--input-type=module-typescript', '-e', script])
    expect(printed).toEqual({ stdout: '', stderr: '' })
  })

  it('does not start with clients that cannot be told apart', async () => {
    const twice = [...clients, ...clients]
    await expect(startIdentityProvider({ clients: twice, audience: 'chaperone' })).rejects.toThrow('the same id')
  })
})
