import type { Config, PasswordReference, Position } from '../config/config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import type { Catalog } from '../inspect/sql/catalog.ts'
import { asChaperoneError } from '../lib/errors.ts'
import { parseSecret } from '../notify/webhook-signature.ts'

export interface ControlFinding extends Position {
  readonly level: 'problem' | 'warning' | 'info'
  readonly message: string
}

/** Whether the secrets of webhooks and of signing in can be fetched, and are what they have to be. Never quotes one. */
export async function checkSecrets(
  config: Config,
  credentials: CredentialResolver,
): Promise<readonly ControlFinding[]> {
  const { signIn } = config.listen.web ?? {}
  const webhooks = [
    ...(config.approvals?.webhooks ?? []).map((webhook, index) => ({
      webhook,
      path: ['approvals', 'webhooks', index],
    })),
    ...config.alerts.webhooks.map((webhook, index) => ({ webhook, path: ['alerts', 'webhooks', index] })),
  ]
  const asked = [
    ...webhooks.map(async ({ webhook: { name, secret }, path }) => {
      const problem = await secretProblem(secret, credentials, (text) =>
        parseSecret(text) === undefined ? 'is not whsec_ and 24 to 64 bytes in base64' : undefined,
      )
      return problem === undefined
        ? undefined
        : { message: `webhook ${name}: its secret ${problem}`, ...config.positionOf([...path, 'secret']) }
    }),
    ...(signIn === undefined
      ? []
      : [
          secretProblem(signIn.clientSecret, credentials, () => undefined).then((problem) =>
            problem === undefined
              ? undefined
              : {
                  message: `listen.web.signIn: the secret of the client ${problem}`,
                  ...config.positionOf(['listen', 'web', 'signIn', 'clientSecret']),
                },
          ),
        ]),
  ]
  const findings = await Promise.all(asked)
  return findings.flatMap((finding) => (typeof finding === 'object' ? [{ level: 'problem' as const, ...finding }] : []))
}

async function secretProblem(
  reference: PasswordReference,
  credentials: CredentialResolver,
  fault: (text: string) => string | undefined,
): Promise<string | undefined> {
  if (reference.kind === 'none') return undefined
  try {
    const text = await credentials.resolve(reference)
    return text === undefined || text === '' ? 'is empty' : fault(text)
  } catch (error) {
    return `cannot be fetched: ${asChaperoneError(error).message}`
  }
}

/** Columns with keys of patients that the target does not have. */
export function checkPatientKeys(config: Config, target: string, catalog: Catalog): readonly ControlFinding[] {
  return (config.phi.patientKeys[target] ?? []).flatMap(({ schema, table, column }, index) => {
    const relation = catalog.relations.find((one) => one.schema === schema && one.name === table)
    if (relation?.columns.some(({ name }) => name === column) === true) return []
    const message = `target ${target}: phi.patients names ${schema}.${table}.${column}, which does not exist`
    return [{ level: 'problem' as const, message, ...config.positionOf(['phi', 'patients', target, index]) }]
  })
}

/** Tables and columns of grants that a target does not have: whoever trusts them to be refused should know. */
export function checkGrantedTables(config: Config, target: string, catalog: Catalog): readonly ControlFinding[] {
  return config.grants.flatMap(({ name, targets, relations = [] }, index) => {
    if (!targets.includes(target)) return []
    return relations.flatMap(({ schema, table, columns }, at) => {
      const found = catalog.relations.filter((one) => one.schema === schema && (table === '*' || one.name === table))
      const missing =
        columns === '*'
          ? []
          : columns.filter((column) => !found.some((one) => one.columns.some((known) => known.name === column)))
      if (found.length > 0 && missing.length === 0) return []
      const what = found.length === 0 ? `${schema}.${table}` : `${schema}.${table} (${missing.join(', ')})`
      const message = `target ${target}: the grant ${name} names ${what}, which does not exist`
      return [{ level: 'warning' as const, message, ...config.positionOf(['grants', index, 'tables', at]) }]
    })
  })
}
