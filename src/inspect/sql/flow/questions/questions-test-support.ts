import { parseSync } from 'libpg-query'
import type { Catalog, PhiLabel, PhiView, Released } from '../../catalog.ts'
import { ConstantPlaces } from '../../constant-places.ts'
import type { ConstantPlace, PhiQuestion } from '../../facts.ts'
import { scanTokens } from '../../redact.ts'
import { skeletonOf } from '../../skeleton.ts'
import { analyseFlow, type Flow } from '../analyse-flow.ts'
import { buildContext } from '../context.ts'
import { table } from '../flow-test-support.ts'
import { buildPhiView } from '../phi-view.ts'

const TYPES: Readonly<Record<string, number>> = {
  birthdate: 1082,
  deathdate: 1082,
  registered_at: 1114,
  start: 1114,
  mrn_no: 23,
  phone_no: 20,
  balance: 1700,
  ratio: 701,
  phones: 1009,
  age: 23,
  body: 3802,
  photo: 17,
  id: 2950,
  numbers: 1009,
  person_ref: 2950,
  account_no: 1700,
  big_no: 20,
}

function typed(oid: number, name: string, columns: readonly string[]) {
  return table(oid, name, columns, {
    columns: columns.map((column, i) => ({ attnum: i + 1, name: column, typeOid: TYPES[column] ?? 25 })),
  })
}

function view(oid: number, name: string, columns: readonly string[], definition: string) {
  return { ...typed(oid, name, columns), kind: 'v', definition, dependsOn: [{ oid: 30_001, attnum: 4 }] }
}

const CATALOG: Catalog = {
  epoch: 'test',
  serverMajor: 18,
  relations: [
    typed(30_001, 'ehr.patients', [
      'id',
      'gender',
      'state',
      'ssn',
      'first',
      'last',
      'maiden',
      'birthdate',
      'deathdate',
      'registered_at',
      'zip',
      'phone',
      'phone_no',
      'phones',
      'mrn_no',
      'balance',
      'ratio',
      'age',
      'photo',
      'secret',
      'other_secret',
    ]),
    typed(30_002, 'ehr.insurance', ['id', 'patient', 'subscriber_ssn', 'payer', 'last']),
    typed(30_003, 'ehr.conditions', ['patient', 'code', 'description', 'start']),
    typed(30_004, 'ehr.documents', ['id', 'patient', 'body']),
    typed(30_008, 'ehr.contacts', [
      'id',
      'patient',
      'email',
      'numbers',
      'person_ref',
      'account_no',
      'big_no',
      'initials',
      'kind',
    ]),
    typed(30_005, 'reporting.agent_scratch', ['id', 'k', 'v', 'n']),
    typed(30_007, 'pg_temp_3.guesses', ['guess']),
    typed(30_006, 'reporting.digits', ['digit', 'title']),
    view(
      30_010,
      'ehr.v_people',
      ['patient_id', 'dob', 'label', 'nines'],
      `SELECT id AS patient_id, birthdate AS dob, (first || ' '::text) || last AS label,
       CASE WHEN ssn ~~ '9%'::text THEN 1 END AS nines
       FROM ehr.patients WHERE ssn ~~ '9%'::text ORDER BY ssn`,
    ),
  ],
  userFunctions: [
    { schema: 'public', name: 'levenshtein', extension: 'fuzzystrmatch' },
    { schema: 'public', name: 'replace', extension: 'citext' },
    { schema: 'mine', name: 'date_part' },
  ],
  userOperators: [
    { schema: 'public', name: '=', extension: 'citext' },
    { schema: 'mine', name: '>=' },
  ],
  userTypes: [{ oid: 31_001, schema: 'mine', name: 'date', kind: 'd', baseOid: 1082 }],
}

const NOTHING: Released = { kind: 'nothing' }
const label = (phiClass: string, releases: Released = NOTHING): PhiLabel => ({ class: phiClass, releases })

const BORN: Released = { kind: 'year', since: 1937 }
const ANY_YEAR: Released = { kind: 'year', since: 1 }

const LABELS: Readonly<Record<string, PhiLabel>> = {
  'patients.ssn': label('ssn', { kind: 'equality' }),
  'patients.first': label('name', { kind: 'equality' }),
  'patients.last': label('name', { kind: 'equality' }),
  'patients.maiden': label('name'),
  'patients.birthdate': label('date-of-birth', BORN),
  'patients.deathdate': label('date-of-death', ANY_YEAR),
  'patients.registered_at': label('date', ANY_YEAR),
  'patients.zip': label('zip', { kind: 'prefix', length: 3, among: new Set(['021', '100']) }),
  'patients.phone': label('phone'),
  'patients.phone_no': label('phone'),
  'patients.phones': label('phone'),
  'patients.mrn_no': label('mrn', { kind: 'equality' }),
  'patients.balance': label('account'),
  'patients.ratio': label('account'),
  'patients.age': label('age', { kind: 'age', below: 90 }),
  'patients.photo': label('photo'),
  'insurance.subscriber_ssn': label('ssn', { kind: 'equality' }),
  'insurance.last': label('name', { kind: 'equality' }),
  'contacts.email': label('email', { kind: 'equality' }),
  'contacts.numbers': label('phone', { kind: 'equality' }),
  'contacts.person_ref': label('other-id', { kind: 'equality' }),
  'contacts.account_no': label('account', { kind: 'equality' }),
  'contacts.big_no': label('mrn', { kind: 'equality' }),
  'contacts.initials': label('name', { kind: 'parts' }),
  'conditions.start': label('date', ANY_YEAR),
  'documents.body': {
    ...label('free-text'),
    document: {
      kind: 'members',
      members: new Map([
        ['gender', { kind: 'clear' } as const],
        ['family', { kind: 'phi', class: 'name', releases: { kind: 'equality' } } as const],
      ]),
      others: { kind: 'phi', class: 'free-text', releases: NOTHING },
    },
  },
}

const UNLABELLED = new Set(['patients.secret', 'patients.other_secret', 'guesses.guess'])

function phiView(labels: (key: string) => PhiLabel | undefined): PhiView {
  return buildPhiView(CATALOG, {
    labelOf: ({ kind, name }, column) => {
      if (kind === 'v') return 'unlabelled-pass'
      const key = `${name}.${column.name}`
      return labels(key) ?? (UNLABELLED.has(key) ? 'unlabelled-mask' : 'none')
    },
    trustedFunctions: new Set(),
  })
}

const PHI = phiView((key) => LABELS[key])

/** The same without columns that arrive as stand-ins. */
const NO_STAND_INS = phiView((key) => {
  const found = LABELS[key]
  if (found === undefined) return undefined
  return found.releases.kind === 'equality' || found.document !== undefined ? label(found.class) : found
})

/** The flow of a statement over a hospital like those that agents work with. The parser must have been loaded. */
export function hospitalFlow(sql: string, searchPath: readonly string[] = ['ehr', 'reporting', 'public']): Flow {
  const statement = parseSync(sql).stmts?.[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  return analyseFlow(statement, buildContext(CATALOG, PHI, searchPath))
}

/** The same where constants may be stand-ins. */
export function hospitalSites(sql: string, searchPath: readonly string[] = ['ehr', 'reporting', 'public']): Flow {
  const { stmts = [] } = parseSync(sql)
  const statement = stmts[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  const places = new ConstantPlaces(sql, scanTokens(sql) ?? [], stmts.length === 1)
  return analyseFlow(statement, buildContext(CATALOG, PHI, searchPath), places)
}

/** The flows of each statement of a text where no column arrives as a stand-in, without and with the places of its constants. */
export function flowsWithoutStandIns(sql: string): readonly (readonly [Flow, Flow])[] {
  const { stmts = [] } = parseSync(sql)
  const places = new ConstantPlaces(sql, scanTokens(sql) ?? [], stmts.length === 1)
  const context = buildContext(CATALOG, NO_STAND_INS, ['ehr', 'reporting', 'public'])
  return stmts.flatMap(({ stmt }) =>
    stmt === undefined ? [] : [[analyseFlow(stmt, context), analyseFlow(stmt, context, places)] as const],
  )
}

/** `use column constant` of each site; `?` for a condition that is released only by stand-ins. */
export function printedSites(sql: string, { questions, sites = [] }: Flow): string {
  const printedOnes = sites.map(({ at, class: phiClass, column, elements, use }) => {
    const columnName = CATALOG.relations
      .find(({ oid }) => oid === column.oid)
      ?.columns.find(({ attnum }) => attnum === column.attnum)?.name
    const path = [columnName, ...column.path].join('.')
    return `${use} ${path} ${phiClass} ${spelling(sql, at)}${elements ? ' []' : ''}`
  })
  const isAsked = questions.some(({ byStandIn }) => byStandIn === true)
  return `${isAsked ? '? ' : ''}${printedOnes.join('; ')}`
}

function spelling(sql: string, at: ConstantPlace): string {
  if (at.kind === 'parameter') return `$${at.number}`
  const spans = skeletonOf(sql)?.spans ?? []
  const [start, end] = at.kind === 'span' ? [at.start, at.end] : [spans[at.ordinal * 2], spans[at.ordinal * 2 + 1]]
  return `${at.negative ? '-' : ''}${sql.slice(start, end)}${at.kind === 'span' ? ' (span)' : ''}`
}

/** `use column, column` of each question that goes beyond the released form, sorted. */
export function beyond(flow: Flow): readonly string[] {
  return printed(flow.questions.filter((question) => !question.released))
}

/** The same for those in released form. */
export function released(flow: Flow): readonly string[] {
  return printed(flow.questions.filter((question) => question.released))
}

function printed(questions: readonly PhiQuestion[]): readonly string[] {
  return questions
    .map(({ use, columns }) => `${use} ${columns.map((name) => name.replace(/^ehr\./, '')).join(', ')}`)
    .toSorted()
}
