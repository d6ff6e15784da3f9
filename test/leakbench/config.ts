import type { CertificateFiles } from '../../demo/certificates.ts'
import type { PostgresServer } from '../../src/store/embedded/postgres-server.ts'
import { APP_ROLE, DATABASE } from './database.ts'
import type { ColumnLabel } from './labels.ts'

export interface BenchConfigOptions {
  readonly certificates: CertificateFiles
  readonly server: PostgresServer
  readonly issuer: string
  readonly audience: string
  readonly group: string
  readonly labels: Readonly<Record<string, ColumnLabel>>
  readonly state: string
  readonly passwordFile: string
  readonly superuser: boolean
}

/** The text of a chaperone.yaml with one target and one masked group; everything else is as it is by default. */
export function benchConfig(options: BenchConfigOptions): string {
  const { certificates, server, issuer, audience, group, labels, state, passwordFile, superuser } = options
  const config = {
    version: 1,
    listen: {
      postgres: {
        host: '127.0.0.1',
        port: 0,
        tls: { certificate: certificates.serverCertFile, key: certificates.serverKeyFile },
      },
    },
    state,
    journal: { statementsAreNotSealed: true },
    issuers: [
      {
        name: 'bench',
        issuer,
        allowInsecureLoopbackIssuer: true,
        audience,
        claims: { groups: 'groups', kind: { claim: 'kind', values: { agent: 'agent' } } },
      },
    ],
    targets: {
      [DATABASE]: {
        host: server.host,
        port: server.port,
        user: APP_ROLE,
        credential: { file: passwordFile },
        tls: { mode: 'verify-full', ca: certificates.caFile },
        // The data's README says that columns without a label hold no PHI.
        unlabelledColumns: 'pass',
        ...(superuser ? { acceptRisks: ['superuser', 'server-files', 'replication', 'bypass-row-security'] } : {}),
      },
    },
    grants: [{ name: 'agents-masked', principals: [{ group }], targets: [DATABASE] }],
    phi: { labels: { [DATABASE]: labels } },
  }
  // JSON is YAML.
  return `${JSON.stringify(config, undefined, 2)}\n`
}
