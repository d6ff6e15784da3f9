import type { Client } from 'pg'
import type { DemoClient } from '../../demo/environment.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { WireClient } from '../support/wire-client.ts'
import { foreignSql, MATRIX_SQL, matrixLabels } from './schema.ts'
import { Prober } from './prober.ts'

/** Everything but the masking is switched off, so that the masking has to do it. */
const DISABLED = [
  'unbounded-write',
  'drop',
  'server-access',
  'code-not-analysed',
  'schema-change',
  'phi-change',
  'bulk-export',
  'full-history',
  'large-read',
  'paged-read',
]

const WORKERS = 4
/** So many lost connections say that nothing works, and that the rest need not be tried. */
const MAX_LOST = 50

/** The testbed with the schema `matrix`. */
export const startMatrixBed = (): Promise<Testbed> =>
  startTestbed({
    patients: 5,
    serverSettings: { shared_preload_libraries: 'pg_stat_statements', 'pg_stat_statements.max': '100000' },
    configure: (document) => {
      Object.assign(document['phi'].labels[DEMO_TARGET], matrixLabels())
      document['rules'] = []
      document['packs'] = { guardrails: { disable: DISABLED } }
    },
    prepare: async (admin: Client) => {
      await admin.query(MATRIX_SQL)
      await admin.query(foreignSql(admin))
    },
  })

/** Without the gateway, in its own role. */
export const loginDirectly = ({ environment }: Testbed): Promise<WireClient> =>
  WireClient.login({
    port: environment.postgres.port,
    ca: undefined,
    user: 'chaperone_app',
    database: DEMO_TARGET,
    password: environment.appPassword,
  })

/** A session without the gateway and one through it. */
export interface Pair {
  readonly direct: Prober
  readonly gateway: Prober
}

/** Works off a list with several pairs of sessions at once. `judge` says whether the session through the gateway was lost. */
export async function withPairs<T>(
  bed: Testbed,
  who: DemoClient,
  list: readonly T[],
  judge: (one: T, pair: Pair) => Promise<boolean>,
): Promise<void> {
  const queue = list.values()
  const password = await bed.token(who)
  let lost = 0
  const work = async (): Promise<void> => {
    const pair = {
      direct: new Prober(() => loginDirectly(bed)),
      gateway: new Prober(() => bed.wire(who, { user: who, password })),
    }
    for (const one of queue) {
      if (lost > MAX_LOST) break
      if (await judge(one, pair)) lost++
    }
    pair.direct.close()
    pair.gateway.close()
  }
  await Promise.all(Array.from({ length: WORKERS }, work))
}
