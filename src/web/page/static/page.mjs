/**
 * The script of the page: counts down, keeps lists fresh, sends forms, and asks for passkeys. Text goes into the page as text.
 * Without it the page shows everything and decides nothing.
 */

/**
 * Markup from this gateway itself, which escapes, is the only one that is read (Trusted Types, where the browser knows them).
 * @type {{ createPolicy(name: string, rules: object): { createHTML(text: string): string } } | undefined}
 */
const trustedTypes = Reflect.get(window, 'trustedTypes')
const policy = trustedTypes?.createPolicy('chaperone-page', {
  createHTML: (/** @type {string} */ text) => text,
})

const REFRESH_MS = 4000

/** @param {string} selector @param {ParentNode} [within] @returns {HTMLElement | undefined} */
const find = (selector, within = document) => {
  const found = within.querySelector(selector)
  return found instanceof HTMLElement ? found : undefined
}

class Problem extends Error {}

/** @param {string} path @param {'POST' | 'DELETE'} method @param {object} body @returns {Promise<any>} */
async function send(path, method, body) {
  const response = await fetch(path, {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
    credentials: 'same-origin',
  }).catch(() => {
    throw new Problem('The gateway does not answer. Nothing was decided.')
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  if (response.status === 401) throw new Problem('Your sign-in is over. Reload this page and sign in again.')
  throw new Problem(
    [answer.title ?? `The gateway answered ${response.status}.`, answer.hint].filter(Boolean).join('. '),
  )
}

/** What went wrong, for a person. @param {unknown} error */
function told(error) {
  if (error instanceof Problem) return error.message
  if (error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError'))
    return 'The passkey was not used: cancelled, or no passkey of yours is on this device. Nothing was sent.'
  if (error instanceof DOMException && error.name === 'InvalidStateError')
    return 'This device has one of your passkeys already.'
  if (error instanceof DOMException && error.name === 'SecurityError')
    return 'The browser does not allow passkeys at this address. The gateway has to be reached by its public name over https.'
  return 'Something went wrong in the browser. Nothing was sent.'
}

/** @param {PublicKeyCredentialRequestOptionsJSON} options @returns {Promise<object>} */
async function assertion(options) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options)
  const credential = await navigator.credentials.get({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new Problem('The browser gave no passkey.')
  return credential.toJSON()
}

/** Runs what a form does, once at a time, and says how it ended. @param {HTMLFormElement} form @param {() => Promise<void>} act */
async function run(form, act) {
  const button = find('button[type=submit]', form)
  const outcome = find('.outcome', form)
  if (!(button instanceof HTMLButtonElement) || outcome === undefined || button.disabled) return
  button.disabled = true
  outcome.textContent = ''
  try {
    await act()
  } catch (error) {
    outcome.textContent = told(error)
  } finally {
    button.disabled = false
  }
}

/** @param {FormData} data @param {string} name */
function textOf(data, name) {
  const value = data.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

/** @param {FormData} data */
function verdictOf(data) {
  const kind = textOf(data, 'verdict')
  return kind === 'approve-timed' ? { kind, minutes: Number(data.get('minutes')) } : { kind }
}

/** @param {HTMLFormElement} form */
async function decide(form) {
  const data = new FormData(form)
  const id = find('[data-request]')?.dataset['request'] ?? ''
  const opinion = { verdict: verdictOf(data), rationale: textOf(data, 'rationale') }
  const path = `/v1/approvals/${encodeURIComponent(id)}`
  if (form.dataset['stepUp'] === 'passkey') {
    const options = await send(`${path}/challenge`, 'POST', opinion)
    await send(`${path}/decision`, 'POST', { ...opinion, assertion: await assertion(options) })
  } else await send(`${path}/decision`, 'POST', opinion)
  location.reload()
}

/** @param {HTMLFormElement} form */
async function register(form) {
  const name = textOf(new FormData(form), 'name')
  const { creation, proof } = await send('/v1/passkeys/challenge', 'POST', {})
  const shown = proof === undefined ? {} : { proof: await assertion(proof) }
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(creation)
  const credential = await navigator.credentials.create({ publicKey })
  if (!(credential instanceof PublicKeyCredential)) throw new Problem('The browser made no passkey.')
  await send('/v1/passkeys', 'POST', { name, attestation: credential.toJSON(), ...shown })
  location.reload()
}

/** @param {HTMLFormElement} form */
async function askForAccess(form) {
  const data = new FormData(form)
  const request = await send('/v1/access-requests', 'POST', {
    grant: textOf(data, 'grant'),
    durationSeconds: Number(data.get('duration')) * Number(data.get('unit')),
    justification: textOf(data, 'justification'),
  })
  location.assign(`/approvals/${encodeURIComponent(request.id)}`)
}

/** @type {Readonly<Record<string, (form: HTMLFormElement) => Promise<void>>>} */
const FORMS = { decide, register, access: askForAccess }

document.addEventListener('submit', (event) => {
  const form = event.target
  if (!(form instanceof HTMLFormElement)) return
  event.preventDefault()
  const act = Object.hasOwn(FORMS, form.id) ? FORMS[form.id] : undefined
  if (act !== undefined) void run(form, () => act(form))
})

// Whoever types a number of minutes means that choice.
document.addEventListener('input', (event) => {
  const timed = document.getElementById('verdict-approve-timed')
  if (event.target instanceof HTMLInputElement && event.target.id === 'minutes' && timed instanceof HTMLInputElement)
    timed.checked = true
})

document.addEventListener('click', (event) => {
  const clicked = event.target instanceof Element ? event.target.closest('button') : null
  if (!(clicked instanceof HTMLButtonElement)) return
  if (clicked.dataset['signOut'] !== undefined)
    void send('/v1/sign-out', 'POST', {}).finally(() => location.assign('/approvals'))
  if (clicked.dataset['showPreview'] !== undefined) void showPreview(clicked)
  if (clicked.dataset['withdraw'] !== undefined) void withdraw(clicked)
})

/** @param {HTMLButtonElement} button */
async function withdraw(button) {
  button.disabled = true
  const id = find('[data-request]')?.dataset['request'] ?? ''
  await send(`/v1/approvals/${encodeURIComponent(id)}/withdrawal`, 'POST', {}).catch((error) => {
    button.after(Object.assign(document.createElement('p'), { className: 'fault', textContent: told(error) }))
  })
  await refresh()
  button.disabled = false
}

/** @param {HTMLButtonElement} button */
async function showPreview(button) {
  const place = find('[role=status]', button.parentElement ?? document)
  const id = find('[data-request]')?.dataset['request'] ?? ''
  if (place === undefined) return
  button.disabled = true
  place.textContent = 'Reading …'
  try {
    place.replaceChildren(tableOf(await send(`/v1/approvals/${encodeURIComponent(id)}/preview`, 'POST', {})))
    button.remove()
  } catch (error) {
    place.textContent = told(error)
    button.disabled = false
  }
}

/** @param {{ columns: string[], rows: (string | null)[][], total: number, totalIsExact: boolean }} preview */
function tableOf({ columns, rows, total, totalIsExact }) {
  const table = document.createElement('table')
  const caption = table.createCaption()
  const all = totalIsExact ? String(total) : `more than ${total}`
  caption.textContent = total === 0 ? 'No row.' : `${rows.length} of ${all} rows`
  const head = table.createTHead().insertRow()
  for (const name of columns) {
    head.append(Object.assign(document.createElement('th'), { scope: 'col', textContent: name }))
  }
  const body = table.createTBody()
  for (const row of rows) {
    const line = body.insertRow()
    for (const cell of row) {
      const shown = line.insertCell()
      shown.textContent = cell ?? 'null'
      if (cell === null) shown.className = 'null'
    }
  }
  const scroll = Object.assign(document.createElement('div'), { className: 'scroll', tabIndex: 0 })
  scroll.append(table)
  return scroll
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' })
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** @param {number} seconds */
function left(seconds) {
  if (seconds < 60) return `${seconds} s left`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s left`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min left`
}

function showTimes() {
  for (const element of document.querySelectorAll('time')) {
    const at = Date.parse(element.dateTime)
    if (element.dataset['until'] !== undefined) {
      const seconds = Math.ceil((at - Date.now()) / 1000)
      element.textContent = seconds > 0 ? left(seconds) : 'over'
      element.classList.toggle('soon', seconds < 120)
      element.title = absolute.format(at)
    } else if (element.title === '') {
      const minutes = Math.round((at - Date.now()) / 60_000)
      element.title = absolute.format(at)
      element.textContent =
        minutes === 0 ? 'just now' : Math.abs(minutes) < 60 ? relative.format(minutes, 'minute') : absolute.format(at)
    }
  }
}

/** Puts the newer parts of the page in the place of the older ones; a form that somebody fills in is left alone. */
async function refresh() {
  const response = await fetch(location.href, { headers: { accept: 'text/html' }, credentials: 'same-origin' }).catch(
    () => undefined,
  )
  if (response === undefined || !response.ok) return
  const text = await response.text()
  const fresh = new DOMParser().parseFromString(policy?.createHTML(text) ?? text, 'text/html')
  if (document.getElementById('decide') !== null && fresh.getElementById('decide') === null) return replaceMain(fresh)
  for (const old of document.querySelectorAll('[data-live]')) {
    const name = old instanceof HTMLElement ? old.dataset['live'] : undefined
    const current = fresh.querySelector(`[data-live="${name}"]`)
    if (current === null) old.remove()
    else if (served.get(old) !== current.outerHTML && !old.contains(document.activeElement)) putInPlaceOf(old, current)
  }
  showTimes()
}

/** What parts looked like when they came: times are written over. @type {WeakMap<Element, string>} */
const served = new WeakMap()

/** @param {Element} old @param {Element} current */
function putInPlaceOf(old, current) {
  const markup = current.outerHTML
  const adopted = document.importNode(current, true)
  old.replaceWith(adopted)
  served.set(adopted, markup)
}

/** The request was decided elsewhere: there is no form any more. @param {Document} fresh */
function replaceMain(fresh) {
  const [old, current] = [find('main'), fresh.querySelector('main')]
  if (old === undefined || current === null) return
  const adopted = document.importNode(current, true)
  old.replaceWith(adopted)
  remember()
  showTimes()
}

function remember() {
  for (const element of document.querySelectorAll('[data-live]')) served.set(element, element.outerHTML)
}

remember()
showTimes()
setInterval(showTimes, 1000)
if (find('[data-refresh]') !== undefined) {
  setInterval(() => {
    if (document.visibilityState === 'visible') void refresh()
  }, REFRESH_MS)
}
