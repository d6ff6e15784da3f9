import type { Config, TargetConfig } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import type { Catalog, CatalogRelation } from '../inspect/sql/catalog.ts'
import { labelSetOf } from '../label-set.ts'
import type { PhiClass } from '../phi/classes.ts'
import type { TokenForm } from '../phi/tokens/stand-ins.ts'
import { NUMBER_TOKENS } from '../phi/tokens/token-text.ts'
import { tokenFormOf } from '../phi/tokens/token-value.ts'
import { elementKind, type TypeLookup, valueForm } from '../phi/value-form.ts'
import { quotedName } from '../protocols/postgres/quoted-name.ts'
import type { TargetClient } from '../protocols/postgres/target-client.ts'
import { refusalOf, withTarget } from './target-probe.ts'

export interface TokenFinding {
  readonly level: 'problem' | 'warning'
  readonly message: string
}

interface TokenColumn {
  readonly relation: CatalogRelation
  readonly attnum: number
  readonly name: string
  readonly phiClass: PhiClass
  readonly typeOid: number
  readonly isArray: boolean
}

/**
 * Columns that are tokenised and have a type without tokens, and columns of numbers that hold one of the numbers that are
 * tokens: such a value would be taken for the token of another one. Looks at no value beyond whether there is one.
 */
export async function checkTokens(
  config: Config,
  target: TargetConfig,
  catalog: Catalog,
  credentials: CredentialResolver,
): Promise<readonly TokenFinding[]> {
  const types = new Map(catalog.userTypes.map((type) => [type.oid, type]))
  const typeOf: TypeLookup = (oid) => types.get(oid)
  const columns = tokenColumns(config, target, catalog, typeOf)
  if (columns.length === 0) return []
  const findings = await withTarget(target, credentials, 'chaperone check', async (client) => {
    const limits = await typmodsOf(client, columns)
    const found: TokenFinding[] = []
    for (const column of columns) {
      const form = formOf(column, limits.get(`${column.relation.oid}.${column.attnum}`) ?? -1, typeOf)
      const finding = form === null ? withoutTokens(column) : await lookForTokens(client, column, form)
      if (finding !== undefined) found.push(finding)
    }
    return found
  })
  return findings.map(({ level, message }) => ({ level, message: `target ${target.name}: ${message}` }))
}

/** Of tables; partitions and children are looked at through their parents. */
function tokenColumns(
  config: Config,
  target: TargetConfig,
  catalog: Catalog,
  typeOf: TypeLookup,
): readonly TokenColumn[] {
  const labels = labelSetOf(config.phi, target.name, {})
  return catalog.relations
    .filter(
      ({ kind, schema, parents }) => ['r', 'p'].includes(kind) && parents.length === 0 && !schema.startsWith('pg_temp'),
    )
    .flatMap((relation) =>
      relation.columns.flatMap(({ attnum, name, typeOid }): TokenColumn[] => {
        const label = labels.labelOf(relation.schema, relation.name, name)
        if (typeof label === 'string' || label.transform !== 'token' || label.document !== undefined) return []
        const isArray = valueForm({ typeOid, typmod: -1, format: 0 }, typeOf)?.kind === 'array'
        return [{ relation, attnum, name, phiClass: label.class, typeOid, isArray }]
      }),
    )
}

/** pg_attribute.atttypmod: how long a varchar may be. */
async function typmodsOf(client: TargetClient, columns: readonly TokenColumn[]): Promise<ReadonlyMap<string, number>> {
  const oids = [...new Set(columns.map(({ relation }) => relation.oid))].join(',')
  const rows = await client.query(
    `select attrelid::bigint, attnum, atttypmod from pg_catalog.pg_attribute where attrelid in (${oids}) and attnum > 0`,
  )
  return new Map(rows.map(([oid, attnum, typmod]) => [`${oid}.${attnum}`, Number(typmod)]))
}

function formOf({ typeOid, phiClass, isArray }: TokenColumn, typmod: number, typeOf: TypeLookup): TokenForm | null {
  const form = valueForm({ typeOid, typmod, format: 0 }, typeOf)
  if (form === undefined) return null
  // Documents have tokens in their leaves.
  if (form.kind === 'json' || form.kind === 'jsonb') return 'text'
  return tokenFormOf(isArray ? { ...form, kind: elementKind(typeOid, typeOf) } : form, phiClass)
}

const fullName = ({ relation, name }: TokenColumn): string => `${relation.schema}.${relation.name}.${name}`

const withoutTokens = (column: TokenColumn): TokenFinding => ({
  level: 'warning',
  message: `${fullName(column)} has a type without tokens: dates keep the year, all others are redacted`,
})

/** A number of an integer column can be compared with one of a bigint column, so there both ranges count. */
const RANGES: Readonly<Partial<Record<TokenForm, readonly (readonly [number, number])[]>>> = {
  integer: [[NUMBER_TOKENS.integer.least, NUMBER_TOKENS.integer.greatest]],
  bigint: [
    [NUMBER_TOKENS.integer.least, NUMBER_TOKENS.integer.greatest],
    [NUMBER_TOKENS.bigint.least, NUMBER_TOKENS.bigint.greatest],
  ],
}

async function lookForTokens(
  client: TargetClient,
  column: TokenColumn,
  form: TokenForm,
): Promise<TokenFinding | undefined> {
  const ranges = RANGES[form]
  if (ranges === undefined) return undefined
  const { relation, name, isArray } = column
  const value = isArray ? 'v' : `t.${quotedName(name)}`
  const elements = isArray ? `, pg_catalog.unnest(t.${quotedName(name)}) v` : ''
  const within = ranges.map(([least, greatest]) => `${value} between ${least} and ${greatest}`).join(' or ')
  const table = `${quotedName(relation.schema)}.${quotedName(relation.name)}`
  try {
    const rows = await client.query(`select 1 from ${table} t${elements} where ${within} limit 1`)
    if (rows.length === 0) return undefined
  } catch (error) {
    return {
      level: 'warning',
      message: `whether ${fullName(column)} holds numbers that are tokens is not known: ${refusalOf(error)}`,
    }
  }
  return {
    level: 'problem',
    message: `${fullName(column)} holds numbers of the range that tokens come from, which would be taken for tokens: use another transform`,
  }
}
