import { describe, expect, it } from 'vitest'
import { authenticate } from './authenticate.ts'
import { type BrowserSession, RandomlyNamed } from './browser-sessions.ts'
import { PUBLIC_URL, verify } from './web-test-support.ts'

const clock = () => 1_000
const HOUR = 3_600_000

function browser(token: string) {
  const sessions = new RandomlyNamed<BrowserSession>(10, clock)
  const sessionCookie = sessions.add({ token, authenticatedAt: 500 }, clock() + HOUR)
  const options = { verify, sessions, origin: PUBLIC_URL }
  const ask = (headers: Record<string, string>, method = 'GET', cookie: string | undefined = sessionCookie) =>
    authenticate({ method, headers, sessionCookie: cookie }, options)
  return { sessions, sessionCookie, ask }
}

const failed = (code: string) => expect.objectContaining({ code })

describe('who asks', () => {
  it('is whoever the token in the header stands for, whatever cookie comes along', async () => {
    const { ask } = browser('ana')
    expect(await ask({ authorization: 'Bearer ben' })).toMatchObject({
      via: 'token',
      identity: { principal: { subject: 'ben@example.org' } },
      authenticatedAt: undefined,
    })
    expect((await ask({ authorization: 'bearer ben' })).via).toBe('token')
    await expect(ask({ authorization: 'Bearer wrong' })).rejects.toEqual(failed('CHP-AUTH-FAILED'))
    await expect(ask({ authorization: '' })).rejects.toEqual(failed('CHP-AUTH-FAILED'))
  })

  it('is whoever has signed in with the browser', async () => {
    const { ask } = browser('ana')
    expect(await ask({})).toMatchObject({ via: 'page', authenticatedAt: 500 })
    expect((await ask({ origin: PUBLIC_URL, 'sec-fetch-site': 'same-origin' }, 'POST')).via).toBe('page')
    await expect(ask({}, 'GET', 'another-name')).rejects.toEqual(failed('CHP-AUTH-FAILED'))
  })

  it('is nobody when a page that changes something does not say where it is from', async () => {
    const { ask } = browser('ana')
    await expect(ask({}, 'POST')).rejects.toEqual(failed('CHP-REQUEST-FORBIDDEN'))
    await expect(ask({ origin: 'null' }, 'POST')).rejects.toEqual(failed('CHP-REQUEST-FORBIDDEN'))
    await expect(ask({ origin: PUBLIC_URL, 'sec-fetch-site': 'cross-site' }, 'POST')).rejects.toEqual(
      failed('CHP-REQUEST-FORBIDDEN'),
    )
  })

  it.each(['expired', 'revoked'])('is nobody any more once the token of the sign-in is %s', async (token) => {
    const { ask, sessions, sessionCookie } = browser(token)
    await expect(ask({})).rejects.toEqual(expect.objectContaining({ code: expect.stringMatching(/^CHP-AUTH-/) }))
    expect(sessions.get(sessionCookie)).toBeUndefined()
  })
})
