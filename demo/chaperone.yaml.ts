import type { Pack } from '../src/phi/packs.ts'
import { controlGrants, controlRules, controlSections, type DemoControls, patientKeys, webSection } from './controls.ts'
import { demoLabels } from './hospital/labels.ts'
import { APP_ROLE } from './hospital/schema.ts'

/** The target's name, and so the database name that clients ask for. */
export const DEMO_TARGET = 'hospital'
/** Sees the hospital masked. */
export const AGENTS_GROUP = 'care-agents'
/** Sees everything. */
export const OFFICERS_GROUP = 'privacy-officers'
/** Claim of the demo's tokens that says what their owner is; its values are `agent`, `human` and `service`. */
export const KIND_CLAIM = 'kind'

/** Paths are absolute or relative to the directory of the configuration file. */
export interface DemoConfigOptions {
  /** Loopback port; 0 lets the system choose. */
  readonly listenPort: number
  /** PEM files for the listener, the certificate issued for `localhost`. */
  readonly listenTls: { readonly certificate: string; readonly key: string }
  /** Directory for everything the gateway keeps. */
  readonly state: string
  /** The development identity provider, `http` on a loopback address. */
  readonly issuer: { readonly url: string; readonly audience: string }
  readonly database: {
    readonly host: string
    readonly port: number
    readonly name: string
    /** File with the password of `chaperone_app`. */
    readonly passwordFile: string
    /** PEM file with the authority of the server's certificate; undefined for a server on loopback without TLS. */
    readonly ca: string | undefined
  }
  /** age recipients for the exact statements; undefined keeps none. */
  readonly sealTo: readonly string[] | undefined
  readonly pack: Pack
  readonly durability?: 'fsync' | 'process-crash'
  /** Unset: nobody delegates, approves or is told. */
  readonly controls?: DemoControls
}

/** A YAML scalar that is read as this string, whatever is in it: JSON strings are YAML 1.2 double-quoted scalars. */
const quoted = (text: string): string => JSON.stringify(text)

const indented = (text: string, by: number): string => text.replaceAll(/^(?=.)/gm, ' '.repeat(by))

const safeHarbor = `  # HIPAA Safe Harbor: none of the 18 identifiers stays, surrogate keys and dates of service included.
  pack: hipaa-safe-harbor`

const minimumNecessary = `  # What an agent needs to work: internal keys and the dates of events stay; names, numbers, contacts, dates of birth and
  # free text do not. THIS IS NOT DE-IDENTIFICATION: what agents see remains PHI. The strict one is hipaa-safe-harbor.
  pack: minimum-necessary
  classes:
    # Tokens: random, and the same for the same value. An agent can count, join and look up by them, and send them back; only the
    # database sees what they stand for. They are kept, encrypted, in a PostgreSQL of the gateway's own (docs/tokens.md).
    name: { transform: token }
    mrn: { transform: token }
    phone: { transform: token }
    email: { transform: token }
    ssn: { transform: token }`

/** The text of the demo's `chaperone.yaml`, written to be read: it is what a newcomer copies from. */
export function demoConfig(options: DemoConfigOptions): string {
  const { listenPort, listenTls, state, issuer, database, sealTo, pack, durability = 'fsync', controls } = options
  const seal =
    sealTo === undefined
      ? '  # Nobody can read the exact statements afterwards. Name an age recipient here (sealTo) outside a demo.\n  statementsAreNotSealed: true'
      : `  sealTo: [${sealTo.map(quoted).join(', ')}]`
  const targetTls =
    database.ca === undefined
      ? '    # The demo database listens on loopback only. Anywhere else leave this out: verify-full is the default.\n    tls: { mode: plaintextWithoutTls }'
      : `    tls: { mode: verify-full, ca: ${quoted(database.ca)} }`
  return `# Configuration of the demo, written by "npm run demo". docs/configuration.md explains every key.
version: 1

listen:
  postgres:
    host: 127.0.0.1
    port: ${listenPort}
    tls: { certificate: ${quoted(listenTls.certificate)}, key: ${quoted(listenTls.key)} }${controls === undefined ? '' : webSection(controls)}

state: ${quoted(state)}

journal:
  durability: ${durability}
${seal}

# Who may say who somebody is. This one is the demo's own identity provider: it believes everybody.
issuers:
  - name: dev
    issuer: ${quoted(issuer.url)}
    allowInsecureLoopbackIssuer: true
    audience: ${quoted(issuer.audience)}
    claims:
      groups: groups
      kind:
        claim: ${KIND_CLAIM}
        values: { agent: agent, human: human, service: service }

# What is protected. Clients name a target as their database; they never learn its password.
targets:
  ${DEMO_TARGET}:
    host: ${quoted(database.host)}
    port: ${database.port}
    database: ${quoted(database.name)}
    user: ${APP_ROLE}
    credential: { file: ${quoted(database.passwordFile)} }
${targetTls}

# Who gets in. Nobody does without a grant, and everything labelled below is masked unless a grant clears it.
grants:
  - name: care-agents-read-masked
    principals: [{ group: ${AGENTS_GROUP} }]
    targets: [${DEMO_TARGET}]
  - name: privacy-officers-see-everything
    principals: [{ group: ${OFFICERS_GROUP}, kind: human }]
    targets: [${DEMO_TARGET}]
    clearance: { default: clear }
${controls === undefined ? '' : controlGrants()}
# Conditions are CEL over the facts of a statement. The strictest rule wins, whatever the order.
rules:
  - name: notes-need-a-limit
    when: >-
      principal.kind == "agent" && !limited &&
      relations.exists(r, r.schema == "hospital" && r.name == "notes" && r.action == "read")
    effect: refuse
    message: agents read clinical notes a few at a time
    hint: Add a LIMIT to the statement.
${controls === undefined ? '' : controlRules()}
# The pack "guardrails" is always on; its rules are switched off one by one, by name.
packs:
  guardrails: { disable: [] }
${controls === undefined ? '' : controlSections(controls)}
phi:
${pack === 'hipaa-safe-harbor' ? safeHarbor : minimumNecessary}
  # Masked values cannot be found out by asking either: a condition, an order or a grouping may go as far as the masked value does
  # (a year of birth, three digits of a ZIP code). This is the default; it can be said for each class.
  predicates: { default: released-granularity }
${controls === undefined ? '' : patientKeys()}  # Columns of views need no labels: what they show follows from their definitions. "chaperone phi coverage" lists what has none.
  labels:
    ${DEMO_TARGET}:
${indented(demoLabels(), 6)}`
}
