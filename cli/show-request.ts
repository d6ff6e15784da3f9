import type { z } from 'zod'
import type { RequestSchema } from '../src/web/approval-schemas.ts'
import { printable, table, type Terminal } from './terminal.ts'

export type ShownRequest = z.output<typeof RequestSchema>

const nameOf = ({ name, subject }: ShownRequest['chain'][number]): string => name ?? subject

const whatOf = ({ subject }: ShownRequest): string => {
  if (subject.kind === 'access') return `access ${subject.grant}`
  return subject.kind === 'policy' ? 'policy' : `${subject.commands.join(', ')} on ${subject.target}`
}

export function requestTable(requests: readonly ShownRequest[]): string {
  const rows = requests.map((one) => [
    one.id,
    one.state,
    whatOf(one),
    one.chain.map(nameOf).join(' for '),
    one.purpose ?? '-',
    one.expiresAt,
    one.mayDecide ? 'yes' : 'no',
  ])
  return table(['REQUEST', 'STATE', 'WHAT', 'WHO', 'PURPOSE', 'EXPIRES', 'YOURS TO DECIDE'], rows)
}

export function printRequest(request: ShownRequest, out: Terminal): void {
  const { id, state, url, chain, purpose, run, needs, decisions, mayDecide, whyNot } = request
  const fact = (name: string, value: string) => out.line(`${out.dim(name.padEnd(11))} ${printable(value)}`)
  out.line(`${out.bold(id)}  ${state}  ${printable(whatOf(request))}`)
  fact('who', chain.map((one) => `${nameOf(one)} (${one.kind}, ${one.issuer}/${one.subject})`).join(', acting for '))
  if (purpose !== undefined) fact('purpose', purpose)
  if (run !== undefined) fact('run', run)
  printSubject(request, out, fact)
  for (const { quorum, pools, rule } of needs) fact('needs', `${quorum} of ${pools.join(', ')} (${rule})`)
  fact('expires', request.expiresAt)
  for (const { by, verdict, rationale, at, stepUp } of decisions) {
    const minutes = verdict.kind === 'approve-timed' ? ` ${verdict.minutes} minutes` : ''
    fact('decision', `${nameOf(by)}: ${verdict.kind}${minutes}, ${at}, ${stepUp}: ${rationale}`)
  }
  if (state === 'pending' && !mayDecide) fact('not yours', whyNot ?? '')
  fact('page', url)
}

function printSubject({ subject }: ShownRequest, out: Terminal, fact: (name: string, value: string) => void): void {
  if (subject.kind === 'access') {
    fact('targets', `${subject.targets.join(', ')}, ${subject.clearance}, for ${subject.durationSeconds} s`)
    fact('why', subject.justification)
  } else if (subject.kind === 'policy') {
    fact('version', `${subject.version}, in force: ${subject.active}`)
    for (const line of subject.diff) out.line(printable(line))
  } else {
    for (const { rule, message } of subject.reasons) fact('held', `${message} (${rule})`)
    fact('tables', subject.relations.join(', '))
    fact('PHI', subject.classes.join(', ') || 'none')
    fact('estimate', subject.estimatedRows === undefined ? 'unknown' : `${subject.estimatedRows} rows`)
    out.line('')
    for (const line of subject.statement.split('\n')) out.line(`    ${printable(line)}`)
    out.line('')
  }
}

/** What a script can branch on. */
export const exitCodeOf = ({ state }: Pick<ShownRequest, 'state'>): number =>
  state === 'approved' || state === 'used' ? 0 : state === 'pending' ? 4 : 3

export const EXIT_CODES =
  '\nExit codes: 0 approved, 3 refused, expired or withdrawn, 4 not decided in time, 1 anything else.'
