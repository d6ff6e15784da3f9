import type { RequestView } from '../approval-schemas.ts'
import { durationOf } from './duration.ts'
import { html, type Html } from './html.ts'

const DEFAULT_MINUTES = 30

/** The form of a decision; the script sends it, and asks for the passkey. */
export function decideForm(request: RequestView, maxMinutes: number, hasPasskey: boolean): Html {
  const needsPasskey = request.stepUp === 'passkey'
  if (needsPasskey && !hasPasskey) return registerFirst
  return html`<form class="panel" id="decide" data-step-up="${request.stepUp}">
<h2>Your decision</h2>
<fieldset><legend class="hidden">Verdict</legend>${choicesOf(request, maxMinutes)}</fieldset>
<label for="rationale">Why <small>(required; the requester reads it)</small></label>
<textarea id="rationale" name="rationale" rows="3" minlength="3" maxlength="2000" required autocomplete="off"></textarea>
<button type="submit" class="primary">${needsPasskey ? 'Confirm with passkey' : 'Confirm'}</button>
${!needsPasskey && html`<p class="note warning">This gateway takes decisions without a passkey (tokenOnlyWithoutPasskey). <a href="/passkeys">Register one</a>, and yours need it.</p>`}
<div class="outcome" role="alert"></div>
</form>`
}

const registerFirst = html`<div class="panel" id="decide-later"><h2>Your decision</h2>
<p>Deciding needs a passkey, so that a stolen sign-in is not enough.</p>
<p><a class="button primary" href="/passkeys">Register a passkey</a></p></div>`

function choicesOf({ subject }: RequestView, maxMinutes: number): Html {
  const refuse = choice('refuse', 'Refuse', subject.kind === 'operation' ? 'It does not run.' : 'Nothing changes.')
  if (subject.kind === 'policy') {
    return html`${choice('approve-once', 'Put it into force', 'From the last decision on.')}${refuse}`
  }
  if (subject.kind === 'access') {
    const asked = Math.floor(subject.durationSeconds / 60)
    return html`${choice('approve-once', `Approve for ${durationOf(subject.durationSeconds)}`, 'From the last decision on.')}
${timed(asked, 'Less than was asked for.')}${refuse}`
  }
  return html`${choice('approve-once', 'Approve once', 'One execution of exactly this.')}
${timed(maxMinutes, 'Exactly this, as often as it is sent.')}${refuse}`
}

const timed = (most: number, note: string): Html =>
  choice(
    'approve-timed',
    html`Approve for <input type="number" name="minutes" id="minutes" value="${Math.min(DEFAULT_MINUTES, most)}" min="1" max="${most}" aria-label="Minutes"> min`,
    note,
  )

const choice = (value: string, title: Html | string, note: string): Html => html`<div class="choice">
<input type="radio" name="verdict" value="${value}" id="verdict-${value}" required aria-describedby="note-${value}">
<label for="verdict-${value}">${title}</label><small id="note-${value}">${note}</small></div>`
