import { type CheckContext, items, mapping, requireFile, text } from './check-context.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

/** What the gateway sets itself or what would change who runs a statement, and how names and text are read. */
const RESERVED_PARAMETERS: ReadonlySet<string> = new Set([
  'application_name',
  'backslash_quote',
  'client_encoding',
  'database',
  'options',
  'replication',
  'role',
  'row_security',
  'search_path',
  'session_authorization',
  'session_preload_libraries',
  'local_preload_libraries',
  'standard_conforming_strings',
  'user',
])

const PASSWORD_SOURCES = ['file', 'env', 'command'] as const

export function checkTargets(context: CheckContext): void {
  for (const [name, value] of Object.entries(mapping(mapping(context.data)['targets']))) {
    const path = ['targets', name]
    const target = mapping(value)
    // Clients send it as a database name: PostgreSQL documentation, section 4.1.1.
    if (name === '' || Buffer.byteLength(name) > 63 || name.includes('\0')) {
      context.report(path, 'the name of a target must be 1 to 63 bytes long.', 'key')
    }
    const tls = mapping(target['tls'])
    checkCredential(context, [...path, 'credential'], target['credential'], tls['mode'])
    checkTls(context, [...path, 'tls'], tls)
    for (const [index, parameter] of items(target['startupParameters']).entries()) {
      const parameterName = text(parameter)?.toLowerCase() ?? ''
      if (RESERVED_PARAMETERS.has(parameterName) || parameterName.startsWith('_pq_.')) {
        context.report([...path, 'startupParameters', index], 'cannot be left to clients.')
      }
    }
  }
}

/** Where the password of a PostgreSQL server comes from. */
export function checkCredential(context: CheckContext, path: Path, value: Data, tlsMode: Data): void {
  if (typeof value !== 'object') return
  const credential = mapping(value)
  const sources = PASSWORD_SOURCES.filter((source) => credential[source] !== undefined)
  const certificate = credential['clientCertificate'] !== undefined
  if (sources.length > 1) context.report(path, `must have one of ${sources.join(', ')}, not several.`, 'key')
  if (certificate !== (credential['clientKey'] !== undefined)) {
    context.report(path, '"clientCertificate" and "clientKey" need each other.', 'key')
  } else if (sources.length === 0 && !certificate) {
    context.report(
      path,
      'needs "file", "env", "command", or "clientCertificate" and "clientKey" (or is "none").',
      'key',
    )
  }
  if (credential['timeout'] !== undefined && credential['command'] === undefined) {
    context.report([...path, 'timeout'], 'cannot take effect without "command".', 'key')
  }
  if (certificate && tlsMode === 'plaintextWithoutTls') {
    context.report([...path, 'clientCertificate'], 'cannot take effect without TLS.', 'key')
  }
  const variable = text(credential['env'])
  if (variable !== undefined && (context.environment[variable] ?? '') === '') {
    context.report([...path, 'env'], `the environment variable ${JSON.stringify(variable)} is not set.`)
  }
  for (const name of ['file', 'clientCertificate', 'clientKey']) {
    requireFile(context, [...path, name], credential[name])
  }
}

export function checkTls(context: CheckContext, path: Path, tls: Readonly<Record<string, Data>>): void {
  requireFile(context, [...path, 'ca'], tls['ca'])
  const { mode } = tls
  for (const name of ['ca', 'serverName']) {
    if (tls[name] !== undefined && (mode === 'insecureSkipVerify' || mode === 'plaintextWithoutTls')) {
      context.report([...path, name], `cannot take effect with mode ${mode}.`, 'key')
    }
  }
}
