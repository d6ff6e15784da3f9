import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { issueCertificate } from './x509.ts'

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly caFile: string
  readonly serverCertFile: string
  readonly serverKeyFile: string
  readonly clientCertFile: string
  readonly clientKeyFile: string
}

export interface CertificateOptions {
  /** Common name of the client certificate: what PostgreSQL's `cert` method takes for the role. */
  readonly clientName?: string
  /** Milliseconds since the epoch. */
  readonly now?: number
}

const HOUR = 3600_000
const VALIDITY = 30 * 24 * HOUR
/** Certificates that end sooner are made anew, so that they do not end in the middle of a run. */
const LEFT_AT_LEAST = 24 * HOUR
const HOSTS = ['localhost', '127.0.0.1', '::1']

function filesIn(directory: string): CertificateFiles {
  return {
    caFile: join(directory, 'ca.crt'),
    serverCertFile: join(directory, 'server.crt'),
    serverKeyFile: join(directory, 'server.key'),
    clientCertFile: join(directory, 'client.crt'),
    clientKeyFile: join(directory, 'client.key'),
  }
}

/** Reads all files, or gives undefined when one is not there. */
async function readAll(files: CertificateFiles): Promise<Readonly<Record<keyof CertificateFiles, string>> | undefined> {
  try {
    const [caFile, serverCertFile, serverKeyFile, clientCertFile, clientKeyFile] = await Promise.all([
      readFile(files.caFile, 'utf8'),
      readFile(files.serverCertFile, 'utf8'),
      readFile(files.serverKeyFile, 'utf8'),
      readFile(files.clientCertFile, 'utf8'),
      readFile(files.clientKeyFile, 'utf8'),
    ])
    return { caFile, serverCertFile, serverKeyFile, clientCertFile, clientKeyFile }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Whether the files are one complete set: one authority, keys that fit, the names that are wanted, and time left. */
async function areUsable(files: CertificateFiles, clientName: string, now: number): Promise<boolean> {
  const pems = await readAll(files)
  if (pems === undefined) return false
  try {
    const ca = new X509Certificate(pems.caFile)
    const server = new X509Certificate(pems.serverCertFile)
    const client = new X509Certificate(pems.clientCertFile)
    return (
      [ca, server, client].every(
        (certificate) =>
          certificate.verify(ca.publicKey) &&
          now >= certificate.validFromDate.getTime() &&
          now + LEFT_AT_LEAST < certificate.validToDate.getTime(),
      ) &&
      server.checkPrivateKey(createPrivateKey(pems.serverKeyFile)) &&
      client.checkPrivateKey(createPrivateKey(pems.clientKeyFile)) &&
      server.checkHost('localhost') !== undefined &&
      HOSTS.slice(1).every((address) => server.checkIP(address) !== undefined) &&
      client.subject === `CN=${clientName}`
    )
  } catch {
    // Something that is no certificate is replaced by one.
    return false
  }
}

/** Never readable by others, not even for the moment between writing and a change of mode; replaced in one step. */
async function writeKeyOrCertificate(path: string, text: string, mode: number): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`
  const file = await open(unfinished, 'w', mode)
  try {
    // A file that was left over keeps its own mode when it is opened.
    await file.chmod(mode)
    await file.writeFile(text)
  } finally {
    await file.close()
  }
  await rename(unfinished, path)
}

/**
 * Makes a certificate authority for development, a server certificate for localhost, 127.0.0.1 and ::1, and a client
 * certificate (all P-256, 30 days), or keeps those that an earlier call made in that directory. The authority's own key
 * is thrown away, so nobody can use it to vouch for anything else.
 */
export async function makeCertificates(directory: string, options: CertificateOptions = {}): Promise<CertificateFiles> {
  const { clientName = 'chaperone', now = Date.now() } = options
  const files = filesIn(directory)
  if (await areUsable(files, clientName, now)) return files
  await mkdir(directory, { recursive: true })
  // Whole seconds, and a little in the past for clocks that are behind.
  const validity = { notBefore: new Date(now - HOUR), notAfter: new Date(now + VALIDITY) }
  const ca = issueCertificate({ commonName: 'Chaperone development CA', usage: 'authority', ...validity })
  const server = issueCertificate({ commonName: 'localhost', usage: 'server', hosts: HOSTS, ...validity }, ca.authority)
  const client = issueCertificate({ commonName: clientName, usage: 'client', ...validity }, ca.authority)
  await Promise.all([
    writeKeyOrCertificate(files.caFile, ca.certificatePem, 0o644),
    writeKeyOrCertificate(files.serverCertFile, server.certificatePem, 0o644),
    writeKeyOrCertificate(files.serverKeyFile, server.privateKeyPem, 0o600),
    writeKeyOrCertificate(files.clientCertFile, client.certificatePem, 0o644),
    writeKeyOrCertificate(files.clientKeyFile, client.privateKeyPem, 0o600),
  ])
  return files
}
