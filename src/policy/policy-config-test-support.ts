import type { Config } from '../config/config.ts'
import { parseConfig } from '../config/load.ts'
import { policyChecks } from '../decide/policy-checks.ts'

const FILE = `version: 1
listen:
  postgres: { allowPlaintextPasswordOnLoopback: true }
  web: { port: 8443, publicUrl: "http://127.0.0.1:8443" }
admin: { loopbackPort: 7000 }
journal: { statementsAreNotSealed: true }
issuers: [{ name: corp, issuer: "https://a.example", audience: b, claims: { kind: { fixed: human } } }]
targets:
  hospital: { host: h, user: u, credential: none }
policy: { activation: { pools: [privacy], quorum: 2 } }
approvals:
  pools: { privacy: [{ group: privacy }] }
  stepUp: tokenOnlyWithoutPasskey
  default: { pools: [privacy], quorum: 1 }
phi: { labels: { hospital: { ehr.patients.ssn: ssn } } }
grants:
  - name: staff
    principals: [{ group: staff }]
    targets: [hospital]
  - name: break-glass
    principals: [{ group: staff }]
    targets: [hospital]
    clearance: { default: clear }
    onRequest: { maxDuration: 1h }
`

/** A configuration with managed activation, changed by these replacements. */
export function managedConfig(...changes: readonly (readonly [string, string])[]): Config {
  const text = managedText(...changes)
  return parseConfig(text, '/nowhere/chaperone.yaml', { SECRET: 'x' }, policyChecks)
}

export function managedText(...changes: readonly (readonly [string, string])[]): string {
  return changes.reduce((text, [before, after]) => {
    if (!text.includes(before)) throw new TypeError(`nothing to change: ${before}`)
    return text.replace(before, after)
  }, FILE)
}
