import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'

/** Somebody who may sign in with a browser at the development identity provider: by a click, without a password. */
export interface DevelopmentPerson {
  /** The `sub` claim. */
  readonly subject: string
  readonly kind: 'human' | 'agent' | 'service'
  readonly groups: readonly string[]
  readonly name: string
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escaped(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto 0; padding: 0 1rem }
h1 { font-size: 1.4rem } form { display: grid; gap: .6rem; margin: 1rem 0 }
button, input { font: inherit; padding: .6rem .9rem; border-radius: 8px; border: 1px solid #8888; text-align: left }
small { color: #777 }
</style></head><body><h1>${escaped(title)}</h1>${body}
<p><small>Development identity provider: it believes everybody. Never use it for real data.</small></p></body></html>`

/** The form of the provider itself, with its button inside; the code of the device is in it. */
const withButton = (form: string, label: string): string =>
  form.replace('</form>', `<button type="submit" autofocus>${escaped(label)}</button></form>`)

interface PageContext {
  body: unknown
}

/** Pages that the provider shows of its own accord. */
export const PROVIDER_PAGES = {
  renderError: (context: PageContext, out: Readonly<Record<string, unknown>>): void => {
    context.body = page('This did not work', `<p>${escaped(String(out['error']))}</p>`)
  },
  deviceFlow: {
    userCodeInputSource: (context: PageContext, form: string): void => {
      context.body = page('Enter the code of your device', withButton(form, 'Go on'))
    },
    userCodeConfirmSource: (
      context: PageContext,
      form: string,
      _client: unknown,
      _device: unknown,
      code: string,
    ): void => {
      const body = `<p>Your device should show: <strong>${escaped(code)}</strong></p>${withButton(form, 'It does')}`
      context.body = page('Confirm your device', body)
    },
    successSource: (context: PageContext): void => {
      context.body = page('Signed in', '<p>You can close this page.</p>')
    },
  },
} as const

const INTERACTION = /^\/interaction\/([\w-]{1,64})(?:\/(\d{1,3}))?$/

/** Answers the pages on which people sign in; false for what is the provider's own. */
export async function answerSignIn(
  provider: Provider,
  people: readonly DevelopmentPerson[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const [, uid, choice] = INTERACTION.exec(request.url ?? '') ?? []
  if (uid === undefined) return false
  if (choice === undefined || request.method !== 'POST') {
    const buttons = people.map(
      ({ name, kind }, index) =>
        `<form method="post" action="/interaction/${uid}/${index}"><button>${escaped(name)} <small>${kind}</small></button></form>`,
    )
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    response.end(page('Who are you?', buttons.join('')))
    return true
  }
  const person = people[Number(choice)]
  const login =
    person === undefined
      ? { error: 'access_denied' }
      : // A native client asks for consent every time (RFC 8252, section 8.6): the click is that as well.
        { login: { accountId: person.subject, remember: false }, consent: {} }
  await provider.interactionFinished(request, response, login, { mergeWithLastSubmission: false })
  return true
}
