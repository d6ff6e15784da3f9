import type { RequestView } from '../approval-schemas.ts'
import { chainPicture, nameOf } from './chain.ts'
import { decideForm } from './decide-form.ts'
import { durationOf } from './duration.ts'
import { html, type Html } from './html.ts'
import { countdown, fact, moment } from './layout.ts'
import { chips, headline, statePill } from './requests-page.ts'

export interface RequestPage {
  readonly request: RequestView
  readonly maxMinutes: number
  readonly hasPasskey: boolean
  /** Whether the reader is of the chain, and may take the request back. */
  readonly isOwn: boolean
}

export function requestPage({ request, maxMinutes, hasPasskey, isOwn }: RequestPage): Html {
  return html`<p class="back"><a href="/approvals">All requests</a></p>
<div class="request" data-request="${request.id}" data-refresh>
<div class="details">
<div data-live="head"><p class="headline"><code>${request.id}</code>${statePill(request)}</p></div>
<h1>${headline(request)}</h1>
<section aria-labelledby="who"><h2 id="who">Who asks</h2>${chainPicture(request.chain)}</section>
${subjectOf(request)}
<div data-live="decisions">${decisions(request)}</div>
</div>
<aside aria-label="Decision">
<div class="panel facts" data-live="facts"><dl>
${!ended(request) && fact(request.state === 'approved' ? 'Ends' : 'Expires', countdown(request.expiresAt))}
${fact('Asked', moment(request.createdAt))}
${request.needs.map((need) => fact('Needs', html`${people(need.quorum)} of ${need.pools.join(', ')} <small>(${need.rule})</small>`))}
</dl></div>
${request.mayDecide ? decideForm(request, maxMinutes, hasPasskey) : noDecision(request)}
${isOwn && request.state === 'pending' && html`<div class="panel" data-live="withdraw"><button type="button" class="secondary" data-withdraw>Withdraw the request</button></div>`}
</aside></div>`
}

const ended = ({ state }: RequestView): boolean => state !== 'pending' && state !== 'approved'

const people = (count: number): string => (count === 1 ? 'one person' : `${count} people`)

const noDecision = ({ state, whyNot }: RequestView): Html =>
  html`<div class="panel" id="over"><p>${state === 'pending' ? (whyNot ?? 'This is not for you to decide.') : 'There is nothing left to decide here.'}</p></div>`

function subjectOf(request: RequestView): Html {
  const { subject } = request
  if (subject.kind === 'access') return accessOf(request, subject)
  if (subject.kind === 'policy') return policyOf(subject)
  return operationOf(request, subject)
}

type Of<Kind> = Extract<RequestView['subject'], { kind: Kind }>

const operationOf = ({ purpose, run, state, mayDecide }: RequestView, subject: Of<'operation'>): Html => html`
${
  subject.reasons.length > 0 &&
  html`<section aria-labelledby="why"><h2 id="why">${state === 'pending' ? 'Why it waits' : 'Why it was held'}</h2><ul class="reasons">${subject.reasons.map(
    ({ rule, message }) => html`<li>${message} <small>${rule}</small></li>`,
  )}</ul></section>`
}
<section aria-labelledby="what"><h2 id="what">What would run</h2>
<pre class="statement" tabindex="0" aria-label="Statement without its literals"><code>${subject.statement}</code></pre>
<p class="note">Literals are masked. The approval covers exactly this statement with these values, and no other.</p>
<dl class="facts">
${fact('Target', subject.target)}
${fact('Purpose', purpose ?? 'not said')}
${run !== undefined && fact('Run', run)}
${fact('Effect', subject.effects.join(', '))}
${fact('Estimate', subject.estimatedRows === undefined ? 'the planner could not be asked' : rowsOf(subject.estimatedRows))}
${subject.parameters > 0 && fact('Parameters', subject.parameters)}
${fact('PHI', subject.classes.length === 0 ? 'no labelled column' : chips(subject.classes))}
${fact('Tables', subject.relations.length === 0 ? 'none' : html`<ul class="plain">${subject.relations.map((one) => html`<li><code>${one}</code></li>`)}</ul>`)}
</dl></section>
${
  subject.hasPreview &&
  state === 'pending' &&
  mayDecide &&
  html`<section aria-labelledby="preview"><h2 id="preview">Rows it would touch</h2>
<div data-preview><p class="note">Read only, masked as for your own sessions. Nothing is changed.</p>
<button type="button" class="secondary" data-show-preview>Show the rows</button><div role="status"></div></div></section>`
}`

const accessOf = ({ purpose, run }: RequestView, subject: Of<'access'>): Html => html`
<section aria-labelledby="what"><h2 id="what">What is asked for</h2>
<blockquote>${subject.justification}</blockquote>
<dl class="facts">
${fact('Grant', subject.grant)}
${fact('Targets', subject.targets.join(', '))}
${fact('Clearance', subject.clearance)}
${fact('For', durationOf(subject.durationSeconds))}
${fact('Purpose', purpose ?? 'not said')}
${run !== undefined && fact('Run', run)}
</dl></section>`

const policyOf = (subject: Of<'policy'>): Html => html`
<section aria-labelledby="what"><h2 id="what">What would change</h2>
<dl class="facts">${fact('New version', html`<code>${subject.version}</code>`)}${fact('In force', html`<code>${subject.active}</code>`)}</dl>
<pre class="diff" tabindex="0" aria-label="Differences">${subject.diff.map(
  (line) => html`<span class="${diffClass(line)}">${line}
</span>`,
)}</pre></section>`

const diffClass = (line: string): string => (line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same')

const rowsOf = (rows: number): string => `about ${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`

const decisions = ({
  decisions: all,
}: RequestView): Html => html`<section aria-labelledby="decisions"><h2 id="decisions">Decisions so far</h2>
${all.length === 0 && html`<p class="note">Nobody has decided yet.</p>`}
${
  all.length > 0 &&
  html`<ul class="decisions">${all.map(
    (one) => html`<li><p><strong>${nameOf(one.by)}</strong> ${verdictOf(one.verdict)} ${moment(one.at)}
${one.stepUp === 'token-only' && html`<span class="pill weak">without passkey</span>`}</p><blockquote>${one.rationale}</blockquote></li>`,
  )}</ul>`
}</section>`

function verdictOf(verdict: RequestView['decisions'][number]['verdict']): string {
  if (verdict.kind === 'refuse') return 'refused'
  return verdict.kind === 'approve-once' ? 'approved once' : `approved for ${durationOf(verdict.minutes * 60)}`
}
