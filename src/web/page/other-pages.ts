import type { ShownPasskey } from '../../approve/passkeys.ts'
import type { RequestView } from '../approval-schemas.ts'
import type { RequestableGrant } from '../web-services.ts'
import { durationOf } from './duration.ts'
import { html, type Html } from './html.ts'
import { moment } from './layout.ts'
import { headline, statePill } from './requests-page.ts'

/** Where people register passkeys. A first one needs a sign-in of this moment, which `isFresh` says. */
export const passkeysPage = (passkeys: readonly ShownPasskey[], mayRegister: boolean): Html => html`<h1>Passkeys</h1>
<p class="lead">A passkey signs each of your decisions together with what it is about. It never leaves your device or password manager.</p>
${
  passkeys.length > 0 &&
  html`<section aria-labelledby="yours"><h2 id="yours">Yours</h2><ul class="rows">${passkeys.map(
    ({ name, createdAt, lastUsedAt }) =>
      html`<li><strong>${name}</strong><span class="note">registered ${at(createdAt)}${lastUsedAt !== undefined && html`, last used ${at(lastUsedAt)}`}</span></li>`,
  )}</ul></section>`
}
${passkeys.length === 0 && html`<p class="empty">You have none yet.</p>`}
${mayRegister ? registration(passkeys.length > 0) : signInAgain}`

const at = (time: number): Html => moment(new Date(time).toISOString())

const registration = (hasOne: boolean): Html => html`<form class="panel narrow" id="register">
<h2>Register ${hasOne ? 'another one' : 'your first one'}</h2>
${hasOne && html`<p class="note">You will be asked for an existing passkey first.</p>`}
<label for="name">Name <small>(to tell it from others)</small></label>
<input id="name" name="name" required maxlength="60" autocomplete="off" value="This device">
<button type="submit" class="primary">Register a passkey</button>
<div class="outcome" role="alert"></div>
</form>`

const signInAgain = html`<div class="panel narrow"><h2>Sign in again first</h2>
<p>A first passkey is taken within a few minutes of a sign-in only, so that nobody adds theirs at an unlocked desk.</p>
<p><a class="button primary" href="/sign-in?to=/passkeys&amp;fresh=1">Sign in again</a></p></div>`

/** Where people ask for time-boxed access. */
export const accessPage = (
  grants: readonly RequestableGrant[],
  requests: readonly RequestView[],
): Html => html`<h1>Access</h1>
<p class="lead">Some grants are given on request, for a time, when the right people approve.</p>
${grants.length === 0 ? html`<p class="empty">There is no grant that you may ask for.</p>` : accessForm(grants)}
${
  requests.length > 0 &&
  html`<section aria-labelledby="own"><h2 id="own">Your requests</h2><ul class="rows">${requests.map(
    (request) =>
      html`<li><a href="/approvals/${request.id}">${headline(request)}</a>${statePill(request)}<span class="note">${moment(request.createdAt)}</span></li>`,
  )}</ul></section>`
}`

const accessForm = (grants: readonly RequestableGrant[]): Html => html`<form class="panel narrow" id="access">
<h2>Ask for access</h2>
<label for="grant">Grant</label>
<select id="grant" name="grant" required>${grants.map(
  ({ name, targets, clearance, maxDurationMs }) =>
    html`<option value="${name}">${name}: ${targets.join(', ')}, ${clearance}, up to ${durationOf(maxDurationMs / 1000)}</option>`,
)}</select>
<label for="duration">For how long</label>
<div class="pair"><input id="duration" name="duration" type="number" min="1" value="1" required>
<select name="unit" aria-label="Unit"><option value="60">minutes</option><option value="3600" selected>hours</option><option value="86400">days</option></select></div>
<label for="justification">Why <small>(approvers read it; leave names of patients out)</small></label>
<textarea id="justification" name="justification" rows="3" minlength="3" maxlength="2000" required autocomplete="off"></textarea>
<button type="submit" class="primary">Ask</button>
<div class="outcome" role="alert"></div>
</form>`

/** What somebody sees who has not signed in, or whose sign-in did not work. */
export const signInPage = (returnTo: string, fault: string | undefined): Html => html`<section class="sign-in">
<h1>${fault === undefined ? 'Sign in to decide' : 'You are not signed in'}</h1>
${fault !== undefined && html`<p role="alert" class="fault">${fault}</p>`}
<p class="lead">Requests wait here for the people who may decide about them.</p>
<p><a class="button primary" href="/sign-in?to=${returnTo}">Sign in</a></p></section>`

export const noSignInPage = html`<section class="sign-in"><h1>No sign-in with a browser</h1>
<p class="lead">This gateway has none configured (listen.web.signIn). Decide with "chaperone approvals" or the API.</p></section>`

export const faultPage = (title: string, hint: string, code: string): Html => html`<section class="sign-in">
<h1>${title}</h1><p class="lead">${hint}</p><p><code>${code}</code></p><p><a href="/approvals">All requests</a></p></section>`

export const goingOnPage = (to: string): Html =>
  html`<section class="sign-in"><p>Going on to <a href="${to}">your page</a> …</p></section>`
