import { checkGrantedTables, checkPatientKeys, checkSecrets } from './compose/check-controls.ts'
import { checkStore } from './compose/check-store.ts'
import { checkTokens } from './compose/check-tokens.ts'
import type { Config, LabelConfig, TargetConfig } from './config/config.ts'
import { notices } from './config/notices.ts'
import { CredentialResolver } from './forward/credential.ts'
import { dialPostgres } from './forward/postgres-target.ts'
import { OidcVerifier } from './identity/oidc/oidc-verifier.ts'
import type { Catalog, CatalogColumn } from './inspect/sql/catalog.ts'
import { systemClock } from './lib/clock.ts'
import { asChaperoneError } from './lib/errors.ts'
import { labelSetOf } from './label-set.ts'
import type { LabelSet } from './phi/labels.ts'
import { holdsJson } from './phi/target-phi.ts'
import { readCatalog } from './protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from './protocols/postgres/limits.ts'

export interface LiveFinding {
  readonly level: 'problem' | 'warning' | 'info'
  readonly message: string
  /** In the configuration file. */
  readonly line: number
  readonly column: number
}

/** Relation kinds that hold rows (pg_class.relkind); what views show follows from their definitions. */
const WITH_ROWS: ReadonlySet<string> = new Set(['r', 'p', 'f'])

const UNLABELLED: Readonly<Record<TargetConfig['unlabelledColumns'], string>> = {
  mask: 'are masked whole',
  pass: 'pass as they are (unlabelledColumns: pass)',
  detect:
    'pass but for what the detectors find, if they are texts, and are masked whole if not (unlabelledColumns: detect)',
}

/** What the file alone says that is worth knowing. */
export function checkFile(config: Config): readonly LiveFinding[] {
  return notices(config, systemClock()).map((notice) => ({ level: 'warning', ...notice }))
}

/**
 * The same, and what only the live systems can tell: whether issuers answer, whether each target can be logged in to under the rules of
 * its configuration, and whether every label names something that exists. Finds everything, one finding at a time.
 */
export async function* checkLive(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<LiveFinding> {
  yield* checkFile(config)
  yield* checkIssuers(config)
  const credentials = new CredentialResolver(environment, systemClock)
  const store = await checkStore(config, credentials)
  if (store !== undefined) yield { ...store, ...config.positionOf(['store']) }
  yield* await checkSecrets(config, credentials)
  for (const target of Object.values(config.targets)) {
    const at = config.positionOf(['targets', target.name])
    let catalog: Catalog
    try {
      catalog = await readCatalog(() => dialPostgres(target, credentials), DEFAULT_FRAME_LIMITS)
    } catch (thrown) {
      const error = asChaperoneError(thrown)
      const reason = error.reason === undefined ? '' : `: ${error.reason}`
      yield { level: 'problem', message: `target ${target.name}: ${error.message}${reason} [${error.code}]`, ...at }
      continue
    }
    yield {
      level: 'info',
      message: `target ${target.name}: PostgreSQL ${catalog.serverMajor}, ${catalog.relations.length} relations`,
      ...at,
    }
    yield* checkLabels(config, target, catalog)
    yield* checkDocuments(config, target, catalog)
    yield* checkFunctions(config, target, catalog)
    yield* checkPatientKeys(config, target.name, catalog)
    yield* checkGrantedTables(config, target.name, catalog)
    yield* tokenFindings(config, target, catalog, credentials)
  }
}

async function* tokenFindings(
  config: Config,
  target: TargetConfig,
  catalog: Catalog,
  credentials: CredentialResolver,
): AsyncGenerator<LiveFinding> {
  const at = config.positionOf(['targets', target.name])
  try {
    for (const finding of await checkTokens(config, target, catalog, credentials)) yield { ...finding, ...at }
  } catch (thrown) {
    const error = asChaperoneError(thrown)
    const message = `target ${target.name}: tokenised columns could not be looked at: ${error.message} [${error.code}]`
    yield { level: 'problem', message, ...at }
  }
}

async function* checkIssuers(config: Config): AsyncGenerator<LiveFinding> {
  const findings: LiveFinding[] = []
  const verifier = new OidcVerifier(config.issuers, {
    onWarning: ({ issuer, problem }) => {
      const index = config.issuers.findIndex(({ name }) => name === issuer)
      findings.push({
        level: 'problem',
        message: `issuer ${issuer}: ${problem}`,
        ...config.positionOf(['issuers', index]),
      })
    },
  })
  await verifier.start()
  verifier.close()
  yield* findings
}

function* checkLabels(config: Config, target: TargetConfig, catalog: Catalog): Generator<LiveFinding> {
  const labels = config.phi.labels[target.name] ?? []
  for (const label of labels) {
    if (matchesSomething(label, catalog)) continue
    const at = config.positionOf(['phi', 'labels', target.name, label.key])
    yield {
      level: 'problem',
      message: `the label ${label.key} names nothing that exists in target ${target.name}`,
      ...at,
    }
  }
  const open = unlabelled(labelSetOf(config.phi, target.name, {}), catalog)
  if (open.length === 0) return
  const what = UNLABELLED[target.unlabelledColumns]
  const examples = open.slice(0, 5).join(', ')
  const message = `target ${target.name}: ${open.length} column(s) have no label and ${what}: ${examples}${open.length > 5 ? ', …' : ''}`
  yield { level: 'warning', message, ...config.positionOf(['targets', target.name]) }
}

/** Parts of a document can be told apart in JSON only; elsewhere the column is masked whole. */
function* checkDocuments(config: Config, target: TargetConfig, catalog: Catalog): Generator<LiveFinding> {
  const types = new Map(catalog.userTypes.map((type) => [type.oid, type]))
  for (const label of config.phi.labels[target.name] ?? []) {
    if (label.document === undefined) continue
    const column = columnOf(label, catalog)
    if (column === undefined || holdsJson(column.typeOid, (oid) => types.get(oid))) continue
    const at = config.positionOf(['phi', 'labels', target.name, label.key, 'members'])
    yield {
      level: 'problem',
      message: `the column ${label.key} in target ${target.name} is neither json nor jsonb`,
      ...at,
    }
  }
}

function* checkFunctions(config: Config, target: TargetConfig, catalog: Catalog): Generator<LiveFinding> {
  const known = new Set(catalog.userFunctions.map(({ schema, name }) => `${schema}.${name}`))
  for (const [index, name] of (config.phi.trustedFunctions[target.name] ?? []).entries()) {
    if (known.has(name)) continue
    const at = config.positionOf(['phi', 'trustedFunctions', target.name, index])
    yield { level: 'problem', message: `there is no function ${name} in target ${target.name}`, ...at }
  }
}

function columnOf(label: LabelConfig, catalog: Catalog): CatalogColumn | undefined {
  return catalog.relations
    .find(({ schema, name }) => schema === label.schema && name === label.table)
    ?.columns.find(({ name }) => name === label.column)
}

function matchesSomething(label: LabelConfig, catalog: Catalog): boolean {
  return catalog.relations.some(
    (relation) =>
      relation.schema === label.schema &&
      (label.table === '*' ||
        (relation.name === label.table &&
          (label.column === '*' || relation.columns.some(({ name }) => name === label.column)))),
  )
}

function unlabelled(labels: LabelSet, catalog: Catalog): readonly string[] {
  return catalog.relations
    .filter(({ kind, schema }) => WITH_ROWS.has(kind) && !schema.startsWith('pg_temp'))
    .flatMap((relation) =>
      relation.columns
        .filter((column) => labels.labelOf(relation.schema, relation.name, column.name) === 'unlabelled')
        .map((column) => `${relation.schema}.${relation.name}.${column.name}`),
    )
}
