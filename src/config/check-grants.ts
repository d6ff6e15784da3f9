import { parseLabelPattern } from '../phi/label-pattern.ts'
import { checkNeed } from './check-approvals.ts'
import { type CheckContext, items, mapping, requireUnique, text } from './check-context.ts'
import { checkPrincipals } from './check-principals.ts'
import { parseGrantedRelation } from './granted-relation.ts'
import type { Path } from './problem.ts'
import { suggestion } from './suggestion.ts'
import { parseInstant } from './time-of-day.ts'
import type { Data } from './yaml-document.ts'

type Mapping = Readonly<Record<string, Data>>

export function checkGrants(context: CheckContext): void {
  const root = mapping(context.data)
  requireUnique(context, root['grants'], ['grants'], 'name')
  for (const [index, value] of items(root['grants']).entries()) {
    const grant = mapping(value)
    const path = ['grants', index]
    checkTargets(context, [...path, 'targets'], grant['targets'])
    checkPrincipals(context, [...path, 'principals'], grant['principals'])
    checkChain(context, path, grant)
    checkTables(context, [...path, 'tables'], grant['tables'])
    checkTimes(context, path, grant)
    checkPurposes(context, [...path, 'purposes'], grant['purposes'])
    checkPatients(context, path, grant)
    checkNeed(context, [...path, 'onRequest'], grant['onRequest'])
  }
}

function checkTargets(context: CheckContext, path: Path, value: Data): void {
  const targets = Object.keys(mapping(mapping(context.data)['targets']))
  for (const [at, target] of items(value).entries()) {
    if (typeof target !== 'string' || targets.includes(target)) continue
    context.report([...path, at], `there is no such target.${suggestion(target, targets)}`)
  }
}

/** Whether any token can say for whom its holder acts. */
function canDelegate(context: CheckContext): boolean {
  const root = mapping(context.data)
  const actors = items(root['issuers']).some((issuer) => mapping(issuer)['actors'] !== undefined)
  return actors || root['delegation'] !== undefined
}

function checkChain(context: CheckContext, path: Path, { chain, use }: Mapping): void {
  if (use === 'delegation' && !canDelegate(context)) {
    context.report([...path, 'use'], NOBODY_DELEGATES)
  }
  if (chain === undefined) return
  if (use === 'delegation') {
    context.report(
      [...path, 'chain'],
      'cannot take effect: it is about the holder of a token, who needs access.',
      'key',
    )
  }
  if (typeof chain !== 'object') return
  checkPrincipals(context, [...path, 'chain', 'onBehalfOf'], mapping(chain)['onBehalfOf'])
  if (!canDelegate(context)) context.report([...path, 'chain'], NOBODY_DELEGATES, 'key')
}

const NOBODY_DELEGATES =
  'can never be met: without the section "delegation", or "actors" of an issuer, everybody acts for themselves.'

function checkTables(context: CheckContext, path: Path, value: Data): void {
  const seen = new Set<string>()
  for (const [index, item] of items(value).entries()) {
    const name = text(item)
    if (name === undefined) continue
    const relation = parseGrantedRelation(name)
    const id = JSON.stringify([relation?.schema, relation?.table])
    if (relation === undefined) {
      context.report([...path, index], 'must be schema.*, schema.table or schema.table(column, …).')
    } else if (seen.has(id)) context.report([...path, index], 'this table is there twice.')
    seen.add(id)
  }
}

function checkTimes(context: CheckContext, path: Path, { notBefore, expires }: Mapping): void {
  const [begin, end] = [parseInstant(text(notBefore) ?? ''), parseInstant(text(expires) ?? '')]
  if (begin !== undefined && end !== undefined && end <= begin) {
    context.report([...path, 'expires'], 'must be after "notBefore": nothing is ever granted.')
  }
}

function checkPurposes(context: CheckContext, path: Path, value: Data): void {
  if (value === undefined) return
  const root = mapping(context.data)
  const claimed = items(root['issuers']).some((issuer) => mapping(mapping(issuer)['claims'])['purpose'] !== undefined)
  if (claimed || root['delegation'] !== undefined) return
  const message =
    'can never be met: no issuer has "claims.purpose", and without the section "delegation" no token is given one.'
  context.report(path, message, 'key')
}

/** What is counted or compared by patient needs to know where their keys are. */
function checkPatients(context: CheckContext, path: Path, grant: Mapping): void {
  const budgets = mapping(grant['budgets'])
  const counted = Object.entries(budgets).flatMap(([span, budget]) =>
    mapping(budget)['patients'] === undefined ? [] : [[...path, 'budgets', span, 'patients']],
  )
  const required = grant['requiresPatients'] === true ? [[...path, 'requiresPatients']] : []
  const known = mapping(mapping(mapping(context.data)['phi'])['patients'])
  const targets = items(grant['targets']).flatMap((name) => text(name) ?? [])
  const unknown = targets.find((target) => items(known[target]).length === 0)
  if (unknown === undefined) return
  for (const at of [...counted, ...required]) {
    context.report(at, `cannot take effect: "phi.patients" has no column for ${unknown}.`, 'key')
  }
}

/** The section `phi.patients`. */
export function checkPatientKeys(context: CheckContext): void {
  const root = mapping(context.data)
  const targets = Object.keys(mapping(root['targets']))
  for (const [target, keys] of Object.entries(mapping(mapping(root['phi'])['patients']))) {
    const path = ['phi', 'patients', target]
    if (!targets.includes(target)) {
      context.report(path, `there is no such target.${suggestion(target, targets)}`, 'key')
    }
    const seen = new Set<string>()
    for (const [index, item] of items(keys).entries()) {
      const key = text(item)
      const pattern = key === undefined ? undefined : parseLabelPattern(key)
      if (key === undefined) continue
      if (typeof pattern?.table !== 'string' || typeof pattern.column !== 'string') {
        context.report([...path, index], 'must be schema.table.column.')
        continue
      }
      // Rows of a relation with two keys would be of two patients.
      const id = JSON.stringify([pattern.schema, pattern.table])
      if (seen.has(id)) context.report([...path, index], 'this table has a column already.')
      seen.add(id)
    }
  }
}
