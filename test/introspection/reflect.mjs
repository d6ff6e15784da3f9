/**
 * Reads a database's metadata as clients for Node do, and prints what it saw: one JSON object, a member a question.
 *
 *     reflect.mjs PACKAGES CLIENT SCHEMA…
 *
 * PACKAGES is the folder with their node_modules. The connection comes from the environment (PGHOST and so on).
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [packages = '', client = '', ...schemas] = process.argv.slice(2)
const require = createRequire(join(packages, 'index.js'))
const { PGHOST: host, PGPORT, PGUSER: user, PGPASSWORD: password, PGDATABASE: database } = process.env
const connection = { host, port: Number(PGPORT), user, password, database }

/** What JSON can say of it, without what a client keeps of its own (functions, references to itself). */
function plain(value, above = []) {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value
  if (above.includes(value)) return '…'
  const within = [...above, value]
  if (value instanceof Map || value instanceof Set) return plain([...value], above)
  if (value instanceof Date || Buffer.isBuffer(value)) return String(value)
  if (Array.isArray(value)) return value.map((one) => plain(one, within))
  const members = Object.entries(value).toSorted(([one], [two]) => (one < two ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member, within)]))
}

/**
 * An adapter that knows the type "char" (18), which Prisma's engine asks for and its own adapter refuses. Statements stay as
 * they are: the answer has character(n) (1042), which has the same text, and then the engine's word for "char".
 */
function withCharacters(PrismaPg) {
  const { Pool } = require('pg')
  const { ColumnTypeEnum } = require('@prisma/driver-adapter-utils')
  const characters = new Set()
  const pool = new Pool(connection)
  const query = pool.query.bind(pool)
  pool.query = async (...asked) => {
    const result = await query(...asked)
    for (const field of result.fields.filter(({ dataTypeID }) => dataTypeID === 18)) {
      characters.add(field.name)
      field.dataTypeID = 1042
    }
    return result
  }
  const factory = new PrismaPg(pool)
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (asked) => {
      const { columnTypes, columnNames, ...rest } = await queryRaw(asked)
      const types = columnTypes.map((type, at) => (characters.has(columnNames[at]) ? ColumnTypeEnum.Character : type))
      return { ...rest, columnNames, columnTypes: types }
    }
    return adapter
  }
  return factory
}

const CLIENTS = {
  async prisma(ask) {
    const { PrismaPg } = require('@prisma/adapter-pg')
    const { bindMigrationAwareSqlAdapterFactory } = require('@prisma/driver-adapter-utils')
    const { SchemaEngine } = require('@prisma/schema-engine-wasm')
    const named = schemas.map((name) => JSON.stringify(name)).join(', ')
    const content = `datasource db {\n  provider = "postgresql"\n  schemas = [${named}]\n}\n`
    const factory = withCharacters(PrismaPg)
    const engine = await SchemaEngine.new(
      { datamodels: [['schema.prisma', content]] },
      () => undefined,
      bindMigrationAwareSqlAdapterFactory(factory),
    )
    const schema = { files: [{ path: 'schema.prisma', content }] }
    await ask('db pull', () =>
      engine.introspect({
        schema,
        baseDirectoryPath: '.',
        force: true,
        compositeTypeDepth: -1,
        namespaces: schemas,
        viewsDirectoryPath: 'views',
      }),
    )
    await ask('version', () => engine.version())
  },
  async kysely(ask) {
    const { Kysely, PostgresDialect } = require('kysely')
    const { Pool } = require('pg')
    const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool(connection) }) })
    await ask('schemas', () => db.introspection.getSchemas())
    await ask('tables', () => db.introspection.getTables({ withInternalKyselyTables: true }))
    await db.destroy()
  },
  async drizzle(ask) {
    const { drizzle } = require('drizzle-orm/node-postgres')
    const { pushSchema } = require('drizzle-kit/api')
    const { Pool } = require('pg')
    const pool = new Pool(connection)
    // What it would change to reach an empty schema tells all that it found. Nothing is changed.
    await ask('what is there', async () =>
      (await pushSchema({}, drizzle(pool), schemas)).statementsToExecute.toSorted(),
    )
    await pool.end()
  },
  async typeorm(ask) {
    const { DataSource } = require('typeorm')
    const source = new DataSource({ type: 'postgres', username: user, ...connection, installExtensions: false })
    await source.initialize()
    const runner = source.createQueryRunner()
    await ask('schemas', () => runner.getSchemas())
    await ask('current', () => Promise.all([runner.getCurrentDatabase(), runner.getCurrentSchema()]))
    for (const schema of schemas) {
      const sql = `SELECT table_name FROM information_schema.tables WHERE table_schema = '${schema}' ORDER BY table_name`
      const names = (await runner.query(sql)).map((row) => `${schema}.${row.table_name}`)
      await ask(`${schema}: tables`, () => runner.getTables(names))
      await ask(`${schema}: views`, () => runner.getViews(names))
      for (const name of names)
        await ask(name, () => Promise.all([runner.hasTable(name), runner.hasColumn(name, 'id')]))
    }
    await runner.release()
    await source.destroy()
  },
  async knex(ask) {
    const db = require('knex')({ client: 'pg', connection })
    for (const schema of schemas) {
      for (const table of ['person', 'clinic', 'visit', 'people', 'patients', 'encounters']) {
        await ask(`${schema}.${table}`, () => db.withSchema(schema).table(table).columnInfo())
        await ask(`${schema}.${table} is there`, () => db.schema.withSchema(schema).hasTable(table))
      }
    }
    await db.destroy()
  },
  async sequelize(ask) {
    const SequelizeAuto = require('sequelize-auto')
    for (const schema of schemas) {
      await ask(schema, async () => {
        const options = { host, port: Number(PGPORT), dialect: 'postgres', schema, views: true, noWrite: true }
        const { text } = await new SequelizeAuto(database, user, password, {
          ...options,
          directory: '',
          logging: false,
          additional: {},
        }).run()
        return text
      })
    }
  },
}

const answers = {}
// Some of them talk on standard output.
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = () => true
await CLIENTS[client](async (name, question) => {
  try {
    answers[name] = plain(await question())
  } catch (error) {
    answers[name] = { error: error.code ?? error.name, text: String(error.message ?? error) }
  }
})
write(JSON.stringify(answers), () => process.exit(0))
