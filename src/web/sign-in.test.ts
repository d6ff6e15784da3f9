import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { safeReturn } from './page-routes.ts'
import { SignIn, type SignInOptions, TRANSACTION_MS } from './sign-in.ts'
import { PUBLIC_URL, verify } from './web-test-support.ts'

let provider: IdentityProvider
beforeAll(async () => {
  const redirectUris = [`${PUBLIC_URL}/sign-in/callback`]
  provider = await startIdentityProvider({
    clients: [],
    audience: 'chaperone',
    webClients: [{ id: 'page', secret: 'page-secret', redirectUris }],
  })
})
afterAll(() => provider.close())

let now = 0
const signIn = (more: Partial<SignInOptions['issuer']> = {}) =>
  new SignIn({
    issuer: {
      issuer: provider.issuer,
      allowInsecureLoopback: true,
      fetchTimeoutSeconds: 5,
      caFile: undefined,
      ...more,
    },
    settings: { clientId: 'page', scopes: ['openid'] },
    clientSecret: async () => 'page-secret',
    publicUrl: PUBLIC_URL,
    verify,
    clock: () => now,
  })

const refused = (status: number) => expect.objectContaining({ status, code: 'CHP-AUTH-FAILED' })

describe('sign-in with a browser', () => {
  it('asks for a code with PKCE, state and nonce, anew each time', async () => {
    const page = signIn()
    const [first, second] = [await page.begin('/approvals', false), await page.begin('/approvals', true)]
    const query = new URL(first.url).searchParams
    expect(Object.fromEntries(query)).toMatchObject({
      client_id: 'page',
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: `${PUBLIC_URL}/sign-in/callback`,
    })
    const fresh = new URL(second.url).searchParams
    expect([fresh.get('prompt'), fresh.get('max_age')]).toEqual(['login', '60'])
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(query.get(name)?.length).toBeGreaterThanOrEqual(40)
      expect(query.get(name)).not.toBe(fresh.get(name))
    }
    expect(first.url).not.toContain(first.transaction)
  })

  it('ends in nothing without the browser that began, with another state, with a code of nobody, twice, or late', async () => {
    const page = signIn()
    const begin = async () => {
      const { url, transaction } = await page.begin('/approvals', false)
      return { state: new URL(url).searchParams.get('state') ?? '', transaction }
    }
    const one = await begin()
    await expect(page.finish(`?code=x&state=${one.state}`, undefined)).rejects.toEqual(refused(401))
    await expect(page.finish(`?code=x&state=${one.state}`, 'a-guess')).rejects.toEqual(refused(401))
    const two = await begin()
    await expect(page.finish(`?code=x&state=${one.state}`, two.transaction)).rejects.toEqual(refused(401))
    const thrown: unknown = await page
      .finish(`?code=x&state=${one.state}`, one.transaction)
      .catch((error: unknown) => error)
    expect(thrown).toEqual(refused(401))
    expect(String(thrown)).not.toContain('code')
    const again = page.finish(`?code=x&state=${one.state}`, one.transaction)
    await expect(again).rejects.toThrow('was not begun in this browser')
    const late = await begin()
    now += TRANSACTION_MS
    await expect(page.finish(`?code=x&state=${late.state}`, late.transaction)).rejects.toThrow('took too long')
  })

  it('says when the issuer does not answer, or is not one to be asked in the open', async () => {
    await expect(signIn({ issuer: 'http://127.0.0.1:1' }).begin('/', false)).rejects.toEqual(refused(502))
    await expect(signIn({ allowInsecureLoopback: false }).begin('/', false)).rejects.toEqual(refused(502))
  })

  it.each([
    ['/approvals/apr-0123456789ab', '/approvals/apr-0123456789ab'],
    ['/passkeys', '/passkeys'],
    ['//evil.example', '/approvals'],
    ['https://evil.example/approvals', '/approvals'],
    ['/approvals/../../x', '/approvals'],
    ['/\\evil.example', '/approvals'],
    ['/approvals?x=1', '/approvals'],
    ['/approvals\n', '/approvals'],
    [['/passkeys', '/access'], '/approvals'],
    [undefined, '/approvals'],
  ])('leads from %j back to %s', (wanted, safe) => {
    expect(safeReturn(wanted)).toBe(safe)
  })
})
