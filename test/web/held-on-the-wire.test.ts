import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { freePort } from '../../src/store/embedded/free-port.ts'
import { type ApprovalBed, outcomeOf, startApprovalBed } from '../approvals/approval-bed.ts'
import { CHROMIUM, newPerson, type Person, startBrowser } from './browser.ts'

let directory: string
let provider: IdentityProvider
let held: ApprovalBed
let browser: Browser
let officer: Person
let url: string

describe.skipIf(CHROMIUM === undefined)('a client that waits (skipped without Chromium: npm run setup:extras)', () => {
  beforeAll(async () => {
    const port = await freePort()
    url = `http://localhost:${port}`
    directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
    await writeFile(join(directory, 'secret'), 'page-secret', { mode: 0o600 })
    provider = await startIdentityProvider({
      clients: [],
      people: [{ subject: 'olga@example.org', kind: 'human', groups: ['privacy-officers'], name: 'Olga Officer' }],
      webClients: [{ id: 'page', secret: 'page-secret', redirectUris: [`${url}/sign-in/callback`] }],
      audience: 'chaperone',
    })
    held = await startApprovalBed({
      wait: '60s',
      configure: (document) => {
        document['issuers'].push({ ...document['issuers'][0], name: 'clinic', issuer: provider.issuer })
        const officers = [{ issuer: 'clinic', group: 'privacy-officers', kind: 'human' }]
        document['grants'][0].principals[0].issuer = 'dev'
        document['grants'][1].principals = officers
        document['approvals'].pools = { chiefs: officers }
        document['approvals'].stepUp = 'passkey'
        document['listen'].web = {
          port,
          publicUrl: url,
          signIn: { issuer: 'clinic', clientId: 'page', clientSecret: { file: join(directory, 'secret') } },
        }
      },
    })
    browser = await startBrowser()
    officer = await newPerson(browser)
  }, 180_000)
  afterAll(async () => {
    await browser?.close()
    await held?.stop()
    await provider?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('gets its rows once somebody has looked at them on the page and has signed', async () => {
    const { page } = officer
    await page.goto(`${url}/approvals`)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Olga' }).click()
    await page.getByRole('link', { name: 'Passkeys' }).click()
    await page.getByRole('button', { name: 'Register a passkey' }).click()
    await page.getByRole('listitem').filter({ hasText: 'This device' }).waitFor()
    await page.getByRole('link', { name: 'Requests' }).click()

    const agent = await held.bed.connect('agent')
    const outcome = outcomeOf(agent.query(`UPDATE held.bed SET kind = 'icu' WHERE id IN (7, 8)`))
    await page.getByRole('link', { name: 'UPDATE on hospital' }).click()
    expect(await page.locator('.statement').textContent()).not.toContain('icu')
    await page.getByText('beds are given by people').waitFor()
    await page.getByRole('button', { name: 'Show the rows' }).click()
    await page.getByText('2 of 2 rows').waitFor()
    expect(await page.getByRole('cell').allTextContents()).toContain('7')
    expect(await held.kindOf(7)).toBe('free')

    await page.getByRole('radio', { name: 'Approve once' }).check()
    await page.getByRole('textbox', { name: /^Why/ }).fill('two beds are enough')
    await page.getByRole('button', { name: 'Confirm with passkey' }).click()
    expect(await outcome).toBe('UPDATE')
    expect([await held.kindOf(7), await held.kindOf(8), await held.kindOf(9)]).toEqual(['icu', 'icu', 'free'])
    await page.getByText('Used', { exact: true }).waitFor()
    expect(officer.complaints).toEqual([])
  }, 120_000)

  it('is refused, and told where the reason is, which may be about somebody', async () => {
    const { page } = officer
    await page.goto(`${url}/approvals`)
    const agent = await held.bed.connect('agent')
    const outcome = outcomeOf(agent.query('DELETE FROM held.bed WHERE id = 1'))
    await page.getByRole('link', { name: 'DELETE on hospital' }).click()
    await page.getByRole('radio', { name: 'Refuse' }).check()
    await page.getByRole('textbox', { name: /^Why/ }).fill('bed 1 is in use')
    await page.getByRole('button', { name: 'Confirm with passkey' }).click()
    expect(await outcome).toContain('[CHP-APPROVAL-REFUSED]')
    expect(await outcome).toContain(page.url())
    expect(await outcome).not.toContain('bed 1 is in use')
    expect((await agent.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  }, 120_000)
})
