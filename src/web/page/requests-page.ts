import type { RequestView } from '../approval-schemas.ts'
import { chainLine } from './chain.ts'
import { html, type Html } from './html.ts'
import { countdown, moment } from './layout.ts'

/** All requests that somebody may see: those that wait for this person first. */
export function requestsPage(requests: readonly RequestView[], mayDecide: boolean): Html {
  const pending = requests.filter(({ state }) => state === 'pending')
  const mine = pending.filter((one) => one.mayDecide)
  const others = pending.filter((one) => !one.mayDecide)
  const over = requests.filter(({ state }) => state !== 'pending')
  return html`<h1>Requests</h1>
<div data-live="requests" data-refresh>
${mine.length > 0 && section('waiting', 'Waiting for you', mine)}
${mine.length === 0 && nothing(mayDecide)}
${others.length > 0 && section('others', 'Waiting for others', others)}
${over.length > 0 && section('over', 'Over', over)}
</div>`
}

const nothing = (mayDecide: boolean): Html => html`<section class="empty">
<h2>Nothing to decide</h2>
<p>${mayDecide ? 'No request waits for you. New ones appear here by themselves.' : 'You are in no pool of approvers. Requests of your own chains appear here.'}</p></section>`

const section = (id: string, title: string, requests: readonly RequestView[]): Html => html`
<section aria-labelledby="${id}"><h2 id="${id}">${title} <span class="count">${requests.length}</span></h2>
<ul class="requests">${requests.map(card)}</ul></section>`

const card = (request: RequestView): Html => html`<li><a class="card" href="/approvals/${request.id}">
<span class="headline"><strong>${headline(request)}</strong>${statePill(request)}</span>
<span class="who">${chainLine(request.chain)}</span>
${request.subject.kind === 'operation' && request.subject.reasons.length > 0 && html`<span class="why">${request.subject.reasons[0]?.message}</span>`}
${request.subject.kind === 'access' && html`<span class="why">${request.subject.justification}</span>`}
<span class="foot">${request.subject.kind === 'operation' && chips(request.subject.classes)}
${request.state === 'pending' ? countdown(request.expiresAt) : moment(request.createdAt)}<code>${request.id}</code></span></a></li>`

export function headline({ subject }: RequestView): string {
  if (subject.kind === 'access') return `Access: ${subject.grant}`
  if (subject.kind === 'policy') return 'New version of the policy'
  return `${subject.commands.join(', ') || 'Statement'} on ${subject.target}`
}

const STATES: Readonly<Record<RequestView['state'], string>> = {
  pending: 'Pending',
  approved: 'Approved',
  refused: 'Refused',
  expired: 'Expired',
  withdrawn: 'Withdrawn',
  used: 'Used',
}

export const statePill = ({ state, holds }: Pick<RequestView, 'state' | 'holds'>): Html =>
  html`<span class="pill ${state}">${STATES[state]}${state === 'approved' && holds === 'timed' && ' for a time'}</span>`

export const chips = (classes: readonly string[]): Html =>
  html`<span class="chips">${classes.map((one) => html`<span class="chip">${one}</span>`)}</span>`
