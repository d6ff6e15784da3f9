import { Client } from 'pg'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'
import { GALLERY_LABELS, GALLERY_SQL } from './schema.ts'

/** Where a client connects to, and as whom. Without TLS, which not every client's package has. */
export interface Endpoint {
  readonly name: 'direct' | 'gateway'
  readonly host: '127.0.0.1'
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
}

export interface IntrospectionBed {
  readonly testbed: Testbed
  /** As the gateway's own role, which sees the same objects. */
  readonly direct: Endpoint
  /** As somebody for whom all PHI is masked. */
  gateway(): Promise<Endpoint>
}

export async function startIntrospectionBed(): Promise<IntrospectionBed> {
  const testbed = await startTestbed({
    patients: 20,
    prepare: (admin) => admin.query(GALLERY_SQL),
    configure: (document) => {
      document['listen'].postgres = { host: '127.0.0.1', port: 0, allowPlaintextPasswordOnLoopback: true }
      Object.assign(document['phi'].labels[DEMO_TARGET], GALLERY_LABELS)
      // The demo's own rules have nothing to do with metadata.
      document['rules'] = []
    },
  })
  const { environment, gateway } = testbed
  const place = { host: '127.0.0.1', database: DEMO_TARGET } as const
  const { port } = environment.postgres
  return {
    testbed,
    direct: { name: 'direct', ...place, port, user: 'chaperone_app', password: environment.appPassword },
    gateway: async () => ({
      name: 'gateway',
      ...place,
      port: gateway.port,
      user: 'agent',
      password: await testbed.token('agent'),
    }),
  }
}

/** node-postgres, as it is. */
export async function connect({ host, port, database, user, password }: Endpoint): Promise<Client> {
  const client = new Client({ host, port, database, user, password })
  // The server ends connections when the bed is stopped.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
