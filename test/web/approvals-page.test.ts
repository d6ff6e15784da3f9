import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { NewRequest } from '../../src/approve/approval-request.ts'
import type { StepUp } from '../../src/config/config.ts'
import { newRequest } from '../../src/approve/request-test-support.ts'
import { addAuthenticator, CHROMIUM, newPerson, type Person, startBrowser } from './browser.ts'
import { startWebGateway, type WebGateway } from './web-gateway-test-support.ts'

// A browser, a provider and what others do on the machine take their time.
vi.setConfig({ testTimeout: 120_000 })

const NEEDS = [{ pools: ['clinicians'], quorum: 1, rule: 'hold-updates' }]
const why = 'agreed with the ward'
const NOT_COUNTED = { status: 409, body: { code: 'CHP-APPROVAL-INVALID' } }

let browser: Browser
let gateway: WebGateway
const people: Person[] = []
let elsewhere: Server | undefined

/** Requests of another chain each time, that clinicians decide about. */
let chains = 0
const ask = (more: Partial<NewRequest> = {}) => {
  chains += 1
  return gateway.ask({ needs: NEEDS, chainKey: `chain-${chains}`, ...more })
}

async function arrive(name: string): Promise<Person> {
  const person = await gateway.signedIn(browser, name)
  people.push(person)
  return person
}

async function registerPasskey({ page }: Person, name: string): Promise<void> {
  await page.goto(`${gateway.url}/passkeys`)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Register a passkey' }).click()
  await page.getByRole('listitem').filter({ hasText: name }).waitFor()
}

async function withPasskey(name: string): Promise<Person> {
  const person = await arrive(name)
  await registerPasskey(person, 'laptop')
  return person
}

async function fillIn(page: Page, id: string, choice: string, rationale = why): Promise<void> {
  await page.goto(`${gateway.url}/approvals/${id}`)
  await page.getByRole('radio', { name: choice }).check()
  await page.getByRole('textbox', { name: /^Why/ }).fill(rationale)
}

const confirm = (page: Page) => page.getByRole('button', { name: 'Confirm' }).click()

interface Sent {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** What a script of the page itself could send. It is text, because the tests are not checked against a browser's names. */
const post = (page: Page, path: string, body: object): Promise<Sent> =>
  page.evaluate(`fetch(${JSON.stringify(path)}, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ${JSON.stringify(JSON.stringify(body))},
  }).then(async (response) => ({ status: response.status, body: await response.json() }))`)

/** The answer of the person's passkey to a challenge. */
const signed = async (page: Page, options: object): Promise<object> =>
  page.evaluate(`navigator.credentials
    .get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(${JSON.stringify(options)}) })
    .then((credential) => credential.toJSON())`)

async function start(stepUp: StepUp = 'passkey'): Promise<void> {
  gateway = await startWebGateway(stepUp)
}

/** A page at another site that sends what it can, with the cookies of whoever looks at it. */
async function foreignPage(body: string): Promise<string> {
  elsewhere = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(`<!doctype html><title>elsewhere</title>${body}`)
  }).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  const address = elsewhere.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
}

describe.skipIf(CHROMIUM === undefined)('the approval page (skipped without Chromium: npm run setup:extras)', () => {
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterEach(async () => {
    const complaints = people.flatMap((person) => person.complaints)
    for (const { context } of people.splice(0)) await context.close()
    elsewhere?.closeAllConnections()
    elsewhere?.close()
    elsewhere = undefined
    await gateway.stop()
    expect(complaints).toEqual([])
    expect(gateway.errors).toEqual([])
  })
  afterAll(() => browser.close())

  describe('sign-in', () => {
    it('gives people a cookie that no script and no other site can use, until they sign out', async () => {
      await start()
      const { page, context } = await arrive('Ana Approver')
      const cookies = await context.cookies(gateway.url)
      expect(cookies.filter(({ name }) => name.startsWith('__Host-'))).toMatchObject([
        { name: '__Host-chaperone', httpOnly: true, secure: true, sameSite: 'Strict', path: '/' },
      ])
      await page.getByRole('heading', { name: 'Nothing to decide' }).waitFor()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'Sign in to decide' }).waitFor()
      // Who has kept the cookie has nothing.
      await context.addCookies(cookies)
      await page.goto(`${gateway.url}/approvals`)
      await page.getByRole('heading', { name: 'Sign in to decide' }).waitFor()
    })

    it('turns agents away, and shows others that they have nothing to decide', async () => {
      await start()
      const agent = await newPerson(browser)
      people.push(agent)
      await agent.page.goto(`${gateway.url}/approvals`)
      await agent.page.getByRole('link', { name: 'Sign in' }).click()
      await agent.page.getByRole('button', { name: 'Robot' }).click()
      await agent.page.getByText('this page is for people who act for themselves').waitFor()
      expect((await agent.context.cookies(gateway.url)).filter(({ name }) => name === '__Host-chaperone')).toEqual([])
      const request = await ask()
      const { page } = await arrive('Sam Stranger')
      await page.getByText('You are in no pool of approvers').waitFor()
      const response = await page.goto(`${gateway.url}/approvals/${request.id}`)
      expect(response?.status()).toBe(404)
      expect(await page.content()).not.toContain('UPDATE')
    })

    it('takes an answer of the provider in the browser only that began, and once', async () => {
      await start()
      const [victim, attacker] = [await newPerson(browser), await newPerson(browser)]
      people.push(victim, attacker)
      let callback = ''
      attacker.page.on('request', (request) => {
        if (request.url().includes('/sign-in/callback')) callback = request.url()
      })
      await attacker.page.goto(`${gateway.url}/sign-in`)
      await attacker.context.clearCookies({ name: '__Host-chaperone-sign-in' })
      await attacker.page.getByRole('button', { name: 'Ana' }).click()
      await attacker.page.getByText('was not begun in this browser').waitFor()
      expect(callback).toContain('code=')
      await victim.page.goto(callback)
      await victim.page.getByText('was not begun in this browser').waitFor()
      await victim.page.goto(`${gateway.url}/sign-in?to=https://evil.example/`)
      await victim.page.getByRole('button', { name: 'Ben' }).click()
      await victim.page.getByRole('heading', { name: 'Requests' }).waitFor()
      expect(new URL(victim.page.url()).host).toBe(new URL(gateway.url).host)
    })
  })

  describe('decisions with a passkey', () => {
    it('approve once', async () => {
      await start()
      const request = await ask()
      const person = await arrive('Ana Approver')
      await person.page.goto(`${gateway.url}/approvals/${request.id}`)
      await person.page.getByRole('link', { name: 'Register a passkey' }).click()
      await registerPasskey(person, 'laptop')
      await fillIn(person.page, request.id, 'Approve once')
      await confirm(person.page)
      await person.page.getByText('Ana Approver approved once').waitFor()
      const { state, holds, decisions } = await gateway.state(request.id)
      expect([state, holds]).toEqual(['approved', 'once'])
      expect(decisions).toMatchObject([
        { by: { subject: 'ana@example.org' }, rationale: why, stepUp: { kind: 'passkey' } },
      ])
    })

    it('approve this exact operation for a time, with the keyboard alone', async () => {
      await start()
      const request = await ask()
      const { page } = await withPasskey('Ana Approver')
      await page.goto(`${gateway.url}/approvals/${request.id}`)
      await page.getByRole('radio', { name: 'Approve once' }).focus()
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Tab')
      await page.keyboard.press('ControlOrMeta+A')
      await page.keyboard.type('15')
      await page.keyboard.press('Tab')
      await page.keyboard.type(why)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      await page.getByText('approved for 15 minutes').waitFor()
      const { state, holds, expiresAt } = await gateway.state(request.id)
      expect([state, holds]).toEqual(['approved', 'timed'])
      expect(expiresAt - Date.now()).toBeLessThanOrEqual(15 * 60_000)
    })

    it('refuse, and need a reason', async () => {
      await start()
      const request = await ask()
      const { page } = await withPasskey('Ana Approver')
      await fillIn(page, request.id, 'Refuse', '')
      await confirm(page)
      expect((await gateway.state(request.id)).state).toBe('pending')
      await page.getByRole('textbox', { name: /^Why/ }).fill('not on a Friday')
      await confirm(page)
      await page.getByText('Ana Approver refused').waitFor()
      expect((await gateway.state(request.id)).state).toBe('refused')
    })

    it('of two people where two are needed; the page of the first follows', async () => {
      await start()
      const request = await ask({ needs: [{ pools: ['clinicians'], quorum: 2, rule: 'two' }] })
      const [ana, ben] = [await withPasskey('Ana Approver'), await withPasskey('Ben Officer')]
      await fillIn(ana.page, request.id, 'Approve once')
      await confirm(ana.page)
      await ana.page.getByText('Ana Approver approved once').waitFor()
      await ana.page.getByText('this person has decided already').waitFor()
      expect((await gateway.state(request.id)).state).toBe('pending')
      await fillIn(ben.page, request.id, 'Approve once')
      await confirm(ben.page)
      await ben.page.getByText('Ben Officer approved once').waitFor()
      expect((await gateway.state(request.id)).state).toBe('approved')
      await ana.page.getByText('Ben Officer approved once').waitFor()
      await ana.page.getByText('Approved', { exact: true }).waitFor()
    })

    it('do not count without the person being recognised, nor with the signature of another decision', async () => {
      await start()
      const request = await ask()
      const { page, authenticator } = await withPasskey('Ana Approver')
      await fillIn(page, request.id, 'Approve once')
      await authenticator.verifies(false)
      await confirm(page)
      await page.getByRole('alert').filter({ hasText: 'The passkey was not used' }).waitFor()
      await authenticator.verifies(true)
      const path = `/v1/approvals/${request.id}`
      const approve = { verdict: { kind: 'approve-once' }, rationale: why }
      expect(await post(page, `${path}/decision`, approve)).toMatchObject(NOT_COUNTED)
      const refusal = { verdict: { kind: 'refuse' }, rationale: why }
      const assertion = await signed(page, (await post(page, `${path}/challenge`, refusal)).body)
      const swapped = { ...approve, assertion }
      expect((await post(page, `${path}/decision`, swapped)).status).toBe(409)
      // And it is used up.
      expect((await post(page, `${path}/decision`, { ...refusal, assertion })).status).toBe(409)
      expect((await gateway.state(request.id)).state).toBe('pending')
      expect(gateway.invalid).toHaveLength(3)
    })

    it('are not for members of the chain', async () => {
      await start()
      const chain = [
        { issuer: 'agents', subject: 'planner', kind: 'agent' as const },
        { issuer: 'clinic', subject: 'dora@example.org', kind: 'human' as const, name: 'Dr. Dora Delegator' },
      ]
      const request = await ask({ chain })
      const { page } = await withPasskey('Dr. Dora Delegator')
      await page.goto(`${gateway.url}/approvals/${request.id}`)
      await page.getByText('nobody of the chain decides about its own request').waitFor()
      expect(await page.getByRole('radio').count()).toBe(0)
      const opinion = { verdict: { kind: 'approve-once' }, rationale: why }
      expect((await post(page, `/v1/approvals/${request.id}/challenge`, opinion)).status).toBe(409)
      expect((await post(page, `/v1/approvals/${request.id}/decision`, opinion)).status).toBe(409)
      await page.getByRole('button', { name: 'Withdraw' }).click()
      await page.getByText('Withdrawn').waitFor()
      expect((await gateway.state(request.id)).state).toBe('withdrawn')
    })

    it('come too late for a request that is over', async () => {
      await start()
      const request = await ask()
      const { page } = await withPasskey('Ana Approver')
      await fillIn(page, request.id, 'Approve once')
      gateway.repository.now = request.expiresAt + 1
      const answer = await post(page, `/v1/approvals/${request.id}/decision`, {
        verdict: { kind: 'approve-once' },
        rationale: why,
      })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect((await gateway.state(request.id)).state).toBe('expired')
    })
  })

  describe('passkeys', () => {
    it('a first one needs a fresh sign-in, a second one the first', async () => {
      await start()
      const person = await arrive('Ana Approver')
      gateway.repository.now = Date.now() + 6 * 60_000
      await person.page.goto(`${gateway.url}/passkeys`)
      expect((await post(person.page, '/v1/passkeys/challenge', {})).status).toBe(409)
      gateway.repository.now = Date.now()
      await registerPasskey(person, 'laptop')
      // The device has one already, so the second is on a key; without the first there is none.
      await addAuthenticator(person.page, 'usb')
      await person.authenticator.verifies(false)
      await person.page.getByLabel('Name').fill('key')
      await person.page.getByRole('button', { name: 'Register a passkey' }).click()
      await person.page.getByRole('alert').filter({ hasText: 'The passkey was not used' }).waitFor()
      expect(await person.page.getByRole('listitem').count()).toBe(1)
      await person.authenticator.verifies(true)
      await registerPasskey(person, 'key')
      expect(await person.page.getByRole('listitem').count()).toBe(2)
    })

    it('are offered after signing in again', async () => {
      await start()
      const { page } = await arrive('Ana Approver')
      gateway.repository.now = Date.now() + 6 * 60_000
      await page.goto(`${gateway.url}/passkeys`)
      gateway.repository.now = Date.now()
      await page.getByRole('link', { name: 'Sign in again' }).click()
      await page.getByRole('button', { name: 'Ana' }).click()
      await page.getByRole('heading', { name: 'Register your first one' }).waitFor()
    })
  })

  describe('other sites', () => {
    it('cannot decide, whatever they send', async () => {
      await start('tokenOnlyWithoutPasskey')
      const request = await ask()
      const { page } = await arrive('Ana Approver')
      const path = `${gateway.url}/v1/approvals/${request.id}/decision`
      const opinion = JSON.stringify({ verdict: { kind: 'approve-once' }, rationale: why })
      await page.goto(
        await foreignPage(
          `<form method="post" enctype="text/plain" action="${path}"><input name='{"a":"' value='"}'></form>`,
        ),
      )
      const sent = await page.evaluate(`Promise.all([
        { mode: 'no-cors', headers: { 'content-type': 'text/plain' } },
        { mode: 'cors', headers: { 'content-type': 'application/json' } },
      ].map((one) =>
        fetch(${JSON.stringify(path)}, { ...one, method: 'POST', body: ${JSON.stringify(opinion)}, credentials: 'include' })
          .then((response) => response.type, () => 'failed'),
      ))`)
      // Not even the answer is theirs (Cross-Origin-Resource-Policy).
      expect(sent).toEqual(['failed', 'failed'])
      const [navigated] = await Promise.all([
        page.waitForResponse((response) => response.url() === path),
        page.evaluate(`document.querySelector('form').submit()`),
      ])
      expect([403, 415]).toContain(navigated.status())
      expect((await gateway.state(request.id)).state).toBe('pending')
      people.splice(0).forEach(({ context }) => void context.close())
    })

    it('can link to a request, and cannot show it in a frame', async () => {
      await start('tokenOnlyWithoutPasskey')
      const request = await ask()
      const { page } = await arrive('Ana Approver')
      const url = `${gateway.url}/approvals/${request.id}`
      await page.goto(await foreignPage(`<a href="${url}">decide</a><iframe src="${url}"></iframe>`))
      expect(await page.frames()[1]?.getByRole('radio').count()).toBe(0)
      await page.getByRole('link', { name: 'decide' }).click()
      await page.getByRole('radio', { name: 'Approve once' }).waitFor()
      // The browser complains of the frame.
      people.splice(0).forEach(({ context }) => void context.close())
    })
  })

  it('decides without a passkey where the configuration says so, and says that it does', async () => {
    await start('tokenOnlyWithoutPasskey')
    const request = await ask()
    const { page } = await arrive('Ana Approver')
    await fillIn(page, request.id, 'Approve once')
    await page.getByText('tokenOnlyWithoutPasskey').waitFor()
    await confirm(page)
    await page.getByText('without passkey').waitFor()
    const again = { verdict: { kind: 'approve-once' }, rationale: why }
    expect(await post(page, `/v1/approvals/${request.id}/decision`, again)).toMatchObject(NOT_COUNTED)
    expect((await gateway.state(request.id)).decisions).toMatchObject([{ stepUp: { kind: 'token-only' } }])
    // Whoever has a passkey needs it, so that a stolen sign-in is not enough for their decisions.
    await registerPasskey(people[0] ?? expect.fail('nobody'), 'laptop')
    const next = await ask()
    expect(await post(page, `/v1/approvals/${next.id}/decision`, again)).toMatchObject(NOT_COUNTED)
    await fillIn(page, next.id, 'Approve once')
    await confirm(page)
    await page.getByText('Ana Approver approved once').waitFor()
    expect((await gateway.state(next.id)).decisions).toMatchObject([{ stepUp: { kind: 'passkey' } }])
  })

  it('shows markup in statements, names and reasons as text', async () => {
    await start()
    const attack = `</code></script><img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script>`
    const { subject } = newRequest()
    const request = await ask({
      chain: [{ issuer: 'agents', subject: `agent:${attack}`, kind: 'agent', name: attack }],
      purpose: attack,
      run: attack,
      subject: {
        kind: 'operation',
        shown: {
          ...(subject.kind === 'operation' ? subject.shown : expect.fail('no operation')),
          statement: `SELECT '\u202e${attack}'`,
          target: attack,
          relations: [attack],
          classes: [attack],
          reasons: [{ rule: attack, message: `" onmouseover="alert(1)" ${attack}` }],
        },
      },
    })
    gateway.preview = { columns: [attack], rows: [[attack], [null]], total: 2, totalIsExact: false }
    const { page } = await withPasskey('Ana Approver')
    for (const path of ['/approvals', `/approvals/${request.id}`]) {
      await page.goto(`${gateway.url}${path}`)
      expect(await page.getByText('<img src=x onerror').count()).toBeGreaterThan(0)
      expect(await page.locator('img[src=x], main script').count()).toBe(0)
    }
    await page.getByRole('button', { name: 'Show the rows' }).click()
    expect(await page.getByRole('cell').first().textContent()).toBe(attack)
    expect(await page.locator('img[src=x]').count()).toBe(0)
    // Live parts are replaced by markup that was fetched.
    await page.waitForResponse((response) => response.url().endsWith(request.id))
    await fillIn(page, request.id, 'Refuse', attack)
    await confirm(page)
    await page.locator('blockquote').filter({ hasText: '<img' }).waitFor()
    expect(await page.title()).not.toBe('pwned')
    expect(await page.locator('.statement').textContent()).toContain('\ufffd')
  })

  it('keeps the list fresh, and leaves a form that is filled in alone', async () => {
    await start()
    const { page } = await withPasskey('Ana Approver')
    await page.goto(`${gateway.url}/approvals`)
    await page.getByRole('heading', { name: 'Nothing to decide' }).waitFor()
    const request = await ask()
    await page.getByRole('link', { name: request.id }).click()
    await page.getByRole('textbox', { name: /^Why/ }).fill('half a sen')
    await page.waitForResponse((response) => response.url().endsWith(request.id))
    await page.waitForResponse((response) => response.url().endsWith(request.id))
    expect(await page.getByRole('textbox', { name: /^Why/ }).inputValue()).toBe('half a sen')
    // Somebody else decides: there is nothing left to fill in.
    await gateway.service.withdraw(request.id)
    await page.getByText('There is nothing left to decide here.').waitFor()
  })

  it('asks for access, and gives it when the right people approve', async () => {
    await start()
    const [ana, ben] = [await arrive('Ana Approver'), await withPasskey('Ben Officer')]
    await ana.page.getByRole('link', { name: 'Access' }).click()
    await ana.page.getByLabel('For how long').fill('2')
    await ana.page.getByRole('textbox', { name: /^Why/ }).fill('on call tonight')
    await ana.page.getByRole('button', { name: 'Ask' }).click()
    await ana.page.getByRole('heading', { name: 'Access: break-glass' }).waitFor()
    const id = ana.page.url().split('/').at(-1) ?? ''
    await ben.page.goto(`${gateway.url}/approvals`)
    await ben.page.getByRole('link', { name: id }).click()
    await ben.page.getByRole('radio', { name: 'Approve for 2 hours' }).check()
    await ben.page.getByRole('textbox', { name: /^Why/ }).fill('confirmed by phone')
    await confirm(ben.page)
    await ben.page.getByText('Ben Officer approved once').waitFor()
  })

  it('fits a telephone, and every control has a name', async () => {
    await start()
    const request = await ask()
    const { page } = await withPasskey('Ana Approver')
    await page.setViewportSize({ width: 360, height: 740 })
    for (const path of ['/approvals', `/approvals/${request.id}`, '/passkeys', '/access']) {
      await page.goto(`${gateway.url}${path}`)
      const wide = await page.evaluate(`[...document.querySelectorAll('body *')]
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))`)
      expect([path, wide]).toEqual([path, []])
      const nameless = await page.evaluate(`[...document.querySelectorAll('input, select, textarea')]
        .filter((one) => !one.hasAttribute('aria-label') && one.labels.length === 0).length`)
      expect([path, nameless]).toEqual([path, 0])
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
    }
  })
})
