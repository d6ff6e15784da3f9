import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIPv4 } from 'node:net'

// A small issuer of X.509 certificates (RFC 5280) with P-256 keys, in DER (ITU-T X.690). Enough for a demo and for tests;
// node:crypto reads certificates but cannot make them.

export interface CertificateRequest {
  readonly commonName: string
  readonly usage: 'authority' | 'server' | 'client'
  /** DNS names and IP addresses of a server. */
  readonly hosts?: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface IssuedCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
}

/** Who signs: a key and the name in its certificate. */
export interface Authority {
  readonly commonName: string
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const TAG = {
  boolean: 1,
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  utcTime: 23,
  sequence: 0x30,
  set: 0x31,
} as const

const OID = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...items: readonly Uint8Array[]) => der(TAG.sequence, ...items)
const octets = (content: Uint8Array) => der(TAG.octets, content)
const bits = (content: Uint8Array, unused = 0) => der(TAG.bits, Buffer.from([unused]), content)
const yes = der(TAG.boolean, Buffer.from([0xff]))

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return der(TAG.oid, Buffer.from(bytes))
}

/** YYMMDDHHMMSSZ, which RFC 5280 section 4.1.2.5 asks for until 2049. */
function time(date: Date): Buffer {
  if (date.getUTCFullYear() >= 2050) throw new RangeError('a certificate of the demo cannot end after 2049')
  const digits = date.toISOString().replace(/\D/g, '')
  return der(TAG.utcTime, Buffer.from(`${digits.slice(2, 14)}Z`))
}

function name(commonName: string): Buffer {
  return sequence(der(TAG.set, sequence(oid(OID.commonName), der(TAG.utf8, Buffer.from(commonName)))))
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 of the public key's bits, here the uncompressed point of 65 bytes. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

function extension(id: string, value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [yes] : []), octets(value))
}

/** GeneralName (RFC 5280 section 4.2.1.6): [2] is a DNS name, [7] the bytes of an address. */
function generalName(host: string): Buffer {
  if (isIPv4(host)) return der(0x87, Buffer.from(host.split('.').map(Number)))
  if (host === '::1') return der(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]))
  return der(0x82, Buffer.from(host))
}

function extensions(request: CertificateRequest, own: KeyObject, authority: KeyObject): Buffer {
  const isAuthority = request.usage === 'authority'
  // Bit strings count from the left: digitalSignature is bit 0, keyCertSign 5, cRLSign 6.
  const keyUsage = isAuthority ? bits(Buffer.from([0b0000_0110]), 1) : bits(Buffer.from([0b1000_0000]), 7)
  const list = [
    extension(OID.basicConstraints, isAuthority ? sequence(yes) : sequence(), true),
    extension(OID.keyUsage, keyUsage, true),
    extension(OID.subjectKeyIdentifier, octets(keyIdentifier(own))),
    extension(OID.authorityKeyIdentifier, sequence(der(0x80, keyIdentifier(authority)))),
  ]
  if (!isAuthority) {
    const purpose = request.usage === 'server' ? OID.serverAuth : OID.clientAuth
    list.push(extension(OID.extendedKeyUsage, sequence(oid(purpose))))
  }
  const { hosts = [] } = request
  if (hosts.length > 0) list.push(extension(OID.subjectAltName, sequence(...hosts.map(generalName))))
  return der(0xa3, sequence(...list))
}

function pem(label: string, content: Buffer): string {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** Makes a key pair and a certificate for it. Without an authority the certificate is signed with its own key. */
export function issueCertificate(
  request: CertificateRequest,
  authority?: Authority,
): IssuedCertificate & { readonly authority: Authority } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const own: Authority = { commonName: request.commonName, publicKey, privateKey }
  const signer = authority ?? own
  // Positive and of full length, as section 4.1.2.2 wants it.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const toBeSigned = sequence(
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serial),
    algorithm,
    name(signer.commonName),
    sequence(time(request.notBefore), time(request.notAfter)),
    name(request.commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(request, publicKey, signer.publicKey),
  )
  const certificate = sequence(toBeSigned, algorithm, bits(sign('sha256', toBeSigned, signer.privateKey)))
  return {
    certificatePem: pem('CERTIFICATE', certificate),
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    authority: own,
  }
}
