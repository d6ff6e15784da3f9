import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where Chromium is; undefined: "npm run setup:extras" installs it from Debian's packages. */
export const CHROMIUM = PLACES.find((path) => existsSync(path))

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM ?? '',
    // Its sandbox needs another user than root; what it loads here is this repository's own.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })

/** Somebody at a browser of their own, with an authenticator that says yes. */
export interface Person {
  readonly context: BrowserContext
  readonly page: Page
  readonly authenticator: Authenticator
  /** What the page complained about. */
  readonly complaints: readonly string[]
}

export interface Authenticator {
  /** Whether the person touches it and is recognised. */
  verifies(does: boolean): Promise<void>
}

export async function newPerson(browser: Browser, options: { colorScheme?: 'light' | 'dark' } = {}): Promise<Person> {
  const context = await browser.newContext({ viewport: { width: 1180, height: 820 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // A browser reports every answer that is no success; those are what some tests are about.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  return { context, page, authenticator: await addAuthenticator(page, 'internal'), complaints }
}

/** Chrome DevTools Protocol, domain WebAuthn: a virtual authenticator with user verification. */
export async function addAuthenticator(page: Page, transport: 'internal' | 'usb'): Promise<Authenticator> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    verifies: async (isUserVerified) => {
      await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
    },
  }
}
