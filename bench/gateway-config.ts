import { BOUNDED, DATABASE, PEOPLE, ROLE, TOKENS } from './database.ts'

export const AUDIENCE = 'chaperone-bench'
export const AGENTS = 'bench-agents'

export interface GatewayConfigOptions {
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  readonly state: string
  readonly durability: 'fsync' | 'process-crash'
  /** age recipient that the exact statements are sealed to. */
  readonly recipient: string
  readonly issuer: string
  readonly database: { readonly host: string; readonly port: number; readonly passwordFile: string }
  readonly maxConnections: number
  readonly tokens: boolean
}

/** A YAML scalar that is read as this string: JSON strings are YAML 1.2 double-quoted scalars. */
const quoted = (text: string): string => JSON.stringify(text)

/** chaperone.yaml of the measured gateway: what an operator would write, nothing left out to be faster. */
export function gatewayConfig(options: GatewayConfigOptions): string {
  const { tls, maxConnections } = options
  const security =
    tls === undefined
      ? 'allowPlaintextPasswordOnLoopback: true'
      : `tls: { certificate: ${quoted(tls.cert)}, key: ${quoted(tls.key)} }`
  return `version: 1
listen:
  postgres:
    host: 127.0.0.1
    port: 0
    ${security}
    limits: { maxConnections: ${maxConnections}, maxConnectionsPerAddress: ${maxConnections} }
state: ${quoted(options.state)}
journal:
  durability: ${options.durability}
  sealTo: [${quoted(options.recipient)}]
issuers:
  - name: bench
    issuer: ${quoted(options.issuer)}
    allowInsecureLoopbackIssuer: true
    audience: ${quoted(AUDIENCE)}
    claims:
      groups: groups
      kind: { claim: kind, values: { agent: agent } }
targets:
${target(DATABASE, options, '')}
${target(BOUNDED, options, `    database: ${DATABASE}\n    catalogCheck: bounded\n`)}
grants:
  - name: masked
    principals: [{ kind: agent, group: ${AGENTS} }]
    targets: [${DATABASE}, ${BOUNDED}]
# A million rows would be held: that is what these are for.
packs: { guardrails: { disable: [large-read, paged-read] } }
phi:
  labels:
${labels(DATABASE, options)}
${labels(BOUNDED, options)}
`
}

const target = (name: string, { database }: GatewayConfigOptions, more: string): string => `  ${name}:
    host: ${quoted(database.host)}
    port: ${database.port}
    user: ${ROLE}
    credential: { file: ${quoted(database.passwordFile)} }
${more}    tls: { mode: plaintextWithoutTls }`

const tokenLabels = `
      public.${TOKENS}.mrn: { class: mrn, transform: token }
      public.${TOKENS}.number: { class: other-id, transform: token }
      public.${TOKENS}.*: none`

const labels = (name: string, { tokens }: GatewayConfigOptions): string => `    ${name}:
      public.${PEOPLE}.name: name
      public.${PEOPLE}.ssn: ssn
      public.${PEOPLE}.phone: phone
      public.${PEOPLE}.id: none
      public.${PEOPLE}.amount: none
      public.pgbench_accounts.*: none
      public.pgbench_branches.*: none
      public.pgbench_tellers.*: none
      public.pgbench_history.*: none${tokens ? tokenLabels : ''}`
