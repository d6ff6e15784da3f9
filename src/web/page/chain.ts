import type { RequestView } from '../approval-schemas.ts'
import { html, type Html } from './html.ts'

type Member = RequestView['chain'][number]

const KINDS: Readonly<Record<Member['kind'], string>> = { human: 'Person', agent: 'Agent', service: 'Service' }

export const nameOf = ({ name, subject }: Member): string => name ?? subject

/** The chain as a picture that is also a list: who acts, for whom, for whom. */
export const chainPicture = (chain: readonly Member[]): Html =>
  html`<ol class="chain">${chain.map(
    (member, index) => html`<li class="${member.kind}">
${index > 0 && html`<span class="link">acting for</span>`}
<span class="member"><span class="kind">${KINDS[member.kind]}</span><strong>${nameOf(member)}</strong><small>${member.issuer}/${member.subject}</small></span></li>`,
  )}</ol>`

/** The same in a line. */
export const chainLine = (chain: readonly Member[]): string => chain.map(nameOf).join(', acting for ')
