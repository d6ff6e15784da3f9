import { nodePostgresSuite } from './node-suite.ts'
import { pgxSuite } from './go-suite.ts'
import { pgjdbcSuite } from './java-suite.ts'
import { postgresSuite } from './postgres-suite.ts'
import { asyncpgSuite, pg8000Suite, psycopg2Suite } from './python-suites.ts'
import type { Suite } from './suite.ts'

/** All suites, in the order in which they run. */
export const SUITES: readonly Suite[] = [
  postgresSuite,
  nodePostgresSuite,
  psycopg2Suite,
  asyncpgSuite,
  pg8000Suite,
  pgxSuite,
  pgjdbcSuite,
]
