import { createHash } from 'node:crypto'
import type { ConstantPlace, ConstantSite, CopyIn, SqlFacts, StoredColumn } from '../../inspect/sql/facts.ts'
import type { Catalog } from '../../inspect/sql/catalog.ts'
import type { StandInPolicy } from '../../decide/stand-in-policy.ts'
import type { PhiClass } from '../../phi/classes.ts'
import { documentTree } from '../../phi/document.ts'
import { compileLabels, type Label } from '../../phi/labels.ts'
import { resolveTargetPhi } from '../../phi/target-phi.ts'
import type { TokenForm } from '../../phi/tokens/stand-ins.ts'
import { newToken, TOKEN_RANDOM_BYTES } from '../../phi/tokens/token-text.ts'
import type { TokenScope } from '../../vault/token-scope.ts'
import { Alerts, type Alert } from '../alerts.ts'
import type { TargetSnapshot } from '../target-state.ts'
import { SessionConstants } from './session-constants.ts'

/** Tokens in memory. `later` makes every answer come later than asked for. */
export class FakeScope implements TokenScope {
  readonly #tokens = new Map<string, string>()
  readonly #values = new Map<string, string>()
  later = false
  fails: Error | undefined
  asked = 0

  /** The token of a value. */
  token(phiClass: PhiClass, form: TokenForm, value: string): string {
    const key = `${phiClass} ${form} ${value}`
    let token = this.#tokens.get(key)
    if (token === undefined) {
      token = newToken(form, createHash('sha256').update(key).digest().subarray(0, TOKEN_RANDOM_BYTES))
      this.#tokens.set(key, token)
      this.#values.set(`${phiClass} ${token}`, value)
    }
    return token
  }

  find({ phiClass, form, value }: Parameters<TokenScope['find']>[0]): string | undefined {
    return this.#tokens.get(`${phiClass} ${form} ${value}`)
  }

  finder(phiClass: PhiClass, form: TokenForm): (value: string) => string | undefined {
    return (value) => this.find({ phiClass, form, value })
  }

  issue(wanted: Parameters<TokenScope['issue']>[0]): Promise<readonly (string | undefined)[]> {
    this.asked++
    if (this.fails !== undefined) return Promise.reject(this.fails)
    return Promise.resolve(wanted.map(({ phiClass, form, value }) => this.token(phiClass, form, value)))
  }

  resolve(tokens: Parameters<TokenScope['resolve']>[0]): ReturnType<TokenScope['resolve']> {
    this.asked++
    const found = tokens.map(({ phiClass, token }) => this.#values.get(`${phiClass} ${token}`))
    if (this.fails !== undefined) return Promise.reject(this.fails)
    return this.later ? Promise.resolve(found) : found
  }
}

const TABLE = 20_001

/** The columns of one table, by name: type, class and transform. */
const COLUMNS = {
  name: { typeOid: 25, label: { class: 'name', transform: 'token' } },
  nick: { typeOid: 1043, label: { class: 'name', transform: 'token' } },
  padded: { typeOid: 1042, label: { class: 'name', transform: 'token' } },
  ssn: { typeOid: 25, label: { class: 'ssn', transform: 'token' } },
  mrn: { typeOid: 23, label: { class: 'mrn', transform: 'token' } },
  account: { typeOid: 20, label: { class: 'account', transform: 'token' } },
  amount: { typeOid: 1700, label: { class: 'account', transform: 'token' } },
  device: { typeOid: 2950, label: { class: 'device', transform: 'token' } },
  born: { typeOid: 1082, label: { class: 'date-of-birth', transform: 'token' } },
  aliases: { typeOid: 1009, label: { class: 'name', transform: 'token' } },
  address: { typeOid: 869, label: { class: 'ip', transform: 'redact' } },
  note: { typeOid: 25, label: undefined },
  chart: { typeOid: 3802, label: { class: 'free-text', transform: 'redact' } },
} as const satisfies Readonly<Record<string, { readonly typeOid: number; readonly label: Label | undefined }>>

export type ColumnName = keyof typeof COLUMNS

const NAMES = Object.keys(COLUMNS)

const CHART = documentTree(
  [
    { path: ['name'], label: COLUMNS.name.label },
    { path: ['ids', 'mrn'], label: COLUMNS.mrn.label },
    { path: ['zip'], label: { class: 'address', transform: 'zip3' } },
    { path: ['ward'], label: 'none' },
  ],
  COLUMNS.chart.label,
)

export function columnOf(name: ColumnName, changes: Partial<StoredColumn> = {}): StoredColumn {
  const { typeOid } = COLUMNS[name]
  return { kind: 'column', oid: TABLE, attnum: NAMES.indexOf(name) + 1, typeOid, path: [], ...changes }
}

export const classOf = (name: ColumnName): string => COLUMNS[name].label?.class ?? 'unlabelled'

export function siteOf(
  name: ColumnName,
  use: ConstantSite['use'],
  at: ConstantPlace | number,
  more: Partial<Omit<ConstantSite, 'column'>> & { readonly column?: Partial<StoredColumn> } = {},
): ConstantSite {
  const { column, ...rest } = more
  return {
    at: typeof at === 'number' ? { kind: 'literal', ordinal: at, negative: false } : at,
    use,
    column: columnOf(name, column),
    class: classOf(name),
    elements: false,
    ...rest,
  }
}

export const factsWith = (sites: readonly ConstantSite[] | undefined, copyIn?: CopyIn): SqlFacts => ({
  command: copyIn === undefined ? 'SELECT' : 'COPY FROM',
  effects: ['read'],
  relations: [],
  functions: [],
  bounded: 'not-applicable',
  limited: false,
  hazards: [],
  outputs: [],
  phiReachable: true,
  questions: [],
  catalogUse: { relations: [TABLE], names: [], functions: [], operators: [] },
  session: { kind: 'none' },
  ...(sites === undefined ? {} : { sites }),
  ...(copyIn === undefined ? {} : { copyIn }),
})

const relation: Catalog['relations'][number] = {
  oid: TABLE,
  schema: 'clinic',
  name: 'patient',
  kind: 'r',
  columns: NAMES.map((name, i) => ({
    name,
    attnum: i + 1,
    typeOid: Object.values(COLUMNS)[i]?.typeOid ?? 25,
  })),
  dependsOn: [],
  callsUserFunctions: false,
  parents: [],
}

function snapshot(): TargetSnapshot {
  const labels = compileLabels(
    Object.entries(COLUMNS).flatMap(([name, { label }]) =>
      label === undefined
        ? []
        : [
            {
              pattern: `clinic.patient.${name}`,
              label: name === 'chart' ? { ...label, document: CHART } : label,
            },
          ],
    ),
  )
  const phi = resolveTargetPhi({ relations: [relation], phiColumns: new Set() }, labels, 'mask')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members that are read
  return {
    catalog: { relations: [relation] },
    phi,
    typeOf: (oid: number) => (oid === 99_001 ? { kind: 'b', baseOid: 0, name: 'citext' } : undefined),
  } as unknown as TargetSnapshot
}

export interface TestSession {
  readonly constants: SessionConstants
  readonly scope: FakeScope
  readonly alerts: Alert[]
  /** Facts that were judged in this session. */
  judged(sites: readonly ConstantSite[] | undefined, copyIn?: CopyIn): SqlFacts
}

export function sessionWith(policies: Readonly<Record<string, StandInPolicy>> = {}, hasVault = true): TestSession {
  const scope = new FakeScope()
  const raised: Alert[] = []
  const sinks = { record: (alert: Alert) => raised.push(alert), holdBack: () => undefined, onAlert: () => undefined }
  const constants = new SessionConstants({
    scope: hasVault ? scope : undefined,
    policyOf: (phiClass) => policies[phiClass] ?? 'stand-ins-only',
    alerts: new Alerts(sinks, () => 0),
  })
  const taken = snapshot()
  return {
    constants,
    scope,
    alerts: raised,
    judged: (sites, copyIn) => {
      const facts = factsWith(sites, copyIn)
      constants.judged([facts], taken)
      return facts
    },
  }
}
