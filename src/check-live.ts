import type { Config, LabelConfig, TargetConfig } from './config/config.ts'
import { CredentialResolver } from './forward/credential.ts'
import { dialPostgres } from './forward/postgres-target.ts'
import { OidcVerifier } from './identity/oidc/oidc-verifier.ts'
import type { Catalog } from './inspect/sql/catalog.ts'
import { systemClock } from './lib/clock.ts'
import { asChaperoneError } from './lib/errors.ts'
import { labelSetOf } from './label-set.ts'
import type { LabelSet } from './phi/labels.ts'
import { readCatalog } from './protocols/postgres/catalog-reading.ts'
import { DEFAULT_FRAME_LIMITS } from './protocols/postgres/limits.ts'

export interface LiveFinding {
  readonly level: 'problem' | 'warning' | 'info'
  readonly message: string
  /** In the configuration file. */
  readonly line: number
  readonly column: number
}

/** Relation kinds that hold or show rows (pg_class.relkind). */
const WITH_COLUMNS: ReadonlySet<string> = new Set(['r', 'p', 'v', 'm', 'f'])

/**
 * What only the live systems can tell: whether issuers answer, whether each target can be logged in to under the rules of
 * its configuration, and whether every label names something that exists. Finds everything, one finding at a time.
 */
export async function* checkLive(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<LiveFinding> {
  yield* checkIssuers(config)
  const credentials = new CredentialResolver(environment, systemClock)
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
  const open = unlabelled(labelSetOf(labels), catalog)
  if (open.length === 0) return
  const what = target.unlabelledColumns === 'mask' ? 'are masked whole' : 'pass as they are (unlabelledColumns: pass)'
  const examples = open.slice(0, 5).join(', ')
  const message = `target ${target.name}: ${open.length} column(s) have no label and ${what}: ${examples}${open.length > 5 ? ', …' : ''}`
  yield { level: 'warning', message, ...config.positionOf(['targets', target.name]) }
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
    .filter(({ kind, schema }) => WITH_COLUMNS.has(kind) && !schema.startsWith('pg_temp'))
    .flatMap((relation) =>
      relation.columns
        .filter((column) => labels.labelOf(relation.schema, relation.name, column.name) === 'unlabelled')
        .map((column) => `${relation.schema}.${relation.name}.${column.name}`),
    )
}
