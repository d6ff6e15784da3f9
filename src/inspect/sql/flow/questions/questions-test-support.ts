import { parseSync } from 'libpg-query'
import type { Catalog, PhiLabel, Released } from '../../catalog.ts'
import type { PhiQuestion } from '../../facts.ts'
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
  'conditions.start': label('date', ANY_YEAR),
  'documents.body': {
    ...label('free-text'),
    document: {
      kind: 'members',
      members: new Map([
        ['gender', { kind: 'clear' } as const],
        ['family', { kind: 'phi', class: 'name' } as const],
      ]),
      others: { kind: 'phi', class: 'free-text' },
    },
  },
}

const UNLABELLED = new Set(['patients.secret', 'patients.other_secret', 'guesses.guess'])

const PHI = buildPhiView(CATALOG, {
  labelOf: ({ kind, name }, column) => {
    if (kind === 'v') return 'unlabelled-pass'
    const key = `${name}.${column.name}`
    return LABELS[key] ?? (UNLABELLED.has(key) ? 'unlabelled-mask' : 'none')
  },
  trustedFunctions: new Set(),
})

/** The flow of a statement over a hospital like those that agents work with. The parser must have been loaded. */
export function hospitalFlow(sql: string, searchPath: readonly string[] = ['ehr', 'reporting', 'public']): Flow {
  const statement = parseSync(sql).stmts?.[0]?.stmt
  if (statement === undefined) throw new Error('no statement')
  return analyseFlow(statement, buildContext(CATALOG, PHI, searchPath))
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
