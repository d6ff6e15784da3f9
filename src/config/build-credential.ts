import type { CredentialConfig, PasswordReference, TargetTlsConfig } from './config.ts'
import type { ParsedConfig } from './schema.ts'

type ParsedTarget = ParsedConfig['targets'][string]

/** A path of the file as one that does not depend on where the process was started. */
export type AbsolutePath = (path: string) => string

/** How the certificate of a server is checked. */
export function buildTls({ mode, ca, serverName }: ParsedTarget['tls'], absolute: AbsolutePath): TargetTlsConfig {
  return { mode, caFile: ca === undefined ? undefined : absolute(ca), serverName }
}

/** References with absolute paths. */
export function buildCredential(credential: ParsedTarget['credential'], absolute: AbsolutePath): CredentialConfig {
  if (credential === 'none') return { password: { kind: 'none' }, clientCertificate: undefined }
  const { clientCertificate, clientKey } = credential
  return {
    password: buildPassword(credential, absolute),
    clientCertificate:
      clientCertificate === undefined || clientKey === undefined
        ? undefined
        : { certificateFile: absolute(clientCertificate), keyFile: absolute(clientKey) },
  }
}

interface SecretSources {
  readonly file?: string | undefined
  readonly env?: string | undefined
  readonly command?: readonly string[] | undefined
  readonly timeout?: number
}

const COMMAND_TIMEOUT_MS = 10_000

/** Where one secret comes from. */
export function buildPassword(sources: SecretSources, absolute: AbsolutePath): PasswordReference {
  const { file, env, command, timeout } = sources
  if (file !== undefined) return { kind: 'file', file: absolute(file) }
  if (env !== undefined) return { kind: 'environment', variable: env }
  return command === undefined
    ? { kind: 'none' }
    : { kind: 'command', argv: command, timeoutMs: timeout ?? COMMAND_TIMEOUT_MS }
}
