import { readFile } from 'node:fs/promises'
import type { TargetConfig } from '../config/config.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { DialedTarget, TargetAccount } from '../protocols/protocol.ts'
import type { CredentialResolver } from './credential.ts'
import { dialTarget, type TargetTls } from './target-wire.ts'

/** Connects to a configured target. The password is fetched when the target asks for it, and not kept. */
export async function dialPostgres(target: TargetConfig, credentials: CredentialResolver): Promise<DialedTarget> {
  const tls = await tlsOf(target)
  const wire = await dialTarget({ host: target.host, port: target.port, connectTimeoutMs: target.connectTimeout, tls })
  const account: TargetAccount = {
    user: target.user,
    database: target.database,
    password: () => credentials.resolve(target.credential.password),
    acceptsMd5: target.acceptRisks.includes('md5-password'),
    tls: tls === undefined ? 'plaintext' : 'required',
    acceptedRisks: target.acceptRisks,
    extraStartupParameters: target.startupParameters,
  }
  return { wire, account, loginTimeoutMs: target.connectTimeout }
}

async function tlsOf(target: TargetConfig): Promise<TargetTls | undefined> {
  const { mode, caFile, serverName } = target.tls
  if (mode === 'plaintextWithoutTls') return undefined
  const certificate = target.credential.clientCertificate
  const [ca, clientCertificate, clientKey] = await Promise.all([
    read(caFile),
    read(certificate?.certificateFile),
    read(certificate?.keyFile),
  ])
  return { mode, ca, serverName, clientCertificate, clientKey }
}

async function read(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new ChaperoneError('CHP-TARGET-UNREACHABLE', { reason: `the file ${file} cannot be read`, cause })
  }
}
