import { DEMO_TARGET, OFFICERS_GROUP } from './chaperone.yaml.ts'

/** Whose agents act for them. */
export const CLINICIANS_GROUP = 'clinicians'
/** Rows that one run of an agent for a clinician may see. */
export const RUN_BUDGET = 40

/** What the demo needs besides for delegation, approvals, budgets and alerts. */
export interface DemoControls {
  /** Of the page for approvers, and of token exchange; on loopback. */
  readonly webPort: number
  /** File with the secret of the page's client at the identity provider. */
  readonly signInSecretFile: string
  /** Takes alerts. */
  readonly alerts: { readonly url: string; readonly secretFile: string }
}

const quoted = (text: string): string => JSON.stringify(text)

export const webSection = ({ webPort, signInSecretFile }: DemoControls): string => `
  # Token exchange, and the page of the approvers. Outside a demo: TLS, and a name that others can reach.
  web:
    port: ${webPort}
    publicUrl: http://localhost:${webPort}
    signIn:
      issuer: dev
      clientId: chaperone-page
      clientSecret: { file: ${quoted(signInSecretFile)} }
      cliClientId: chaperone-cli`

export const controlSections = ({ alerts }: DemoControls): string => `
# Agents act for people: their token and that of the person become one that names both, lives minutes and is for one purpose.
delegation: {}

# What a rule holds waits for one of these people. THE DEMO LETS THE TOKEN OF AN APPROVER DECIDE. The default is a passkey, which a
# stolen token is not enough for: take "stepUp" out, sign in to the page and register one.
approvals:
  pools:
    privacy: [{ group: ${OFFICERS_GROUP}, kind: human }]
  default: { pools: [privacy] }
  stepUp: tokenOnlyWithoutPasskey
  # Then the client gets a ticket, and sends the statement again once it was approved. The default is 30s.
  wait: 10s

alerts:
  webhooks:
    - { name: demo, url: ${quoted(alerts.url)}, secret: { file: ${quoted(alerts.secretFile)} } }
  refusals: { count: 10, within: 5m }
`

/** In a chain, what every member may is what the chain may: masked as the agent is, within the clinician's budget. */
export const controlGrants = (): string => `  - name: clinicians-let-agents-act
    use: delegation
    principals: [{ group: ${CLINICIANS_GROUP}, kind: human }]
    targets: [${DEMO_TARGET}]
    purposes: [TREAT]
    budgets: { run: { rows: ${RUN_BUDGET} } }
    clearance: { default: clear }
`

export const controlRules = (): string => `  - name: prescriptions-need-approval
    when: >-
      principal.kind == "agent" &&
      relations.exists(r, r.schema == "hospital" && r.name == "medications" && r.action == "update")
    effect: hold
    message: an agent changes prescriptions
    hint: Wait. A privacy officer is asked.
`

export const patientKeys =
  (): string => `  # Which columns say whose data a row is: for budgets of patients, and for runs that may see certain patients only.
  patients:
    ${DEMO_TARGET}: [hospital.patients.id, hospital.encounters.patient_id, hospital.conditions.patient_id, hospital.medications.patient_id]
`

/** Tests of the policy, for "chaperone policy test". */
export const policyTests = (): string => `version: 1
tests:
  - name: agents read masked
    principal: { issuer: dev, subject: "agent:care-planner", kind: agent, groups: [care-agents] }
    target: ${DEMO_TARGET}
    sql: SELECT last_name FROM hospital.patients LIMIT 1
    estimatedRows: 1
    expect: { outcome: allow, masked: [name] }
  - name: agents change prescriptions with an approval only
    principal: { issuer: dev, subject: "agent:care-planner", kind: agent, groups: [care-agents] }
    target: ${DEMO_TARGET}
    sql: UPDATE hospital.medications SET refills = 1 WHERE refills = 0
    estimatedRows: 5
    expect: { outcome: hold, rule: prescriptions-need-approval, pools: [privacy] }
  - name: clinicians delegate, and get no access themselves
    principal: { issuer: dev, subject: dr.rivera@example.org, kind: human, groups: [${CLINICIANS_GROUP}] }
    target: ${DEMO_TARGET}
    expect: { access: none }
`
