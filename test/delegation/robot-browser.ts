/** A browser without a person: it keeps cookies, follows redirects and presses the first button that fits. */
export class RobotBrowser {
  readonly #cookies = new Map<string, string>()

  /** Signs in as the person with this place in the list, wherever the pages lead; returns where it ended. */
  async signIn(url: string, person: number): Promise<string> {
    let at = await this.#go(url, {})
    for (let pages = 0; pages < 10; pages++) {
      const forms = [...at.text.matchAll(/<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)]
      const choice = forms.find(([, action]) => action?.endsWith(`/${person}`)) ?? forms[0]
      if (choice === undefined) return at.url
      const [, action = '', content = ''] = choice
      const fields = [...content.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)]
      const form = new URLSearchParams(fields.map(([, name = '', value = '']): [string, string] => [name, value]))
      at = await this.#go(new URL(action, at.url).href, { method: 'POST', body: form })
    }
    throw new Error(`the pages do not end: ${at.url}`)
  }

  async #go(url: string, init: RequestInit): Promise<{ readonly url: string; readonly text: string }> {
    let next = url
    let request = init
    for (let hops = 0; hops < 20; hops++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(next, { ...request, redirect: 'manual', headers: { cookie } })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        this.#cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) return { url: next, text: await response.text() }
      next = new URL(location, next).href
      request = {}
    }
    throw new Error(`the redirects do not end: ${next}`)
  }
}
