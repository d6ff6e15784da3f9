import { createHash } from 'node:crypto'
import { ProtocolViolation } from '../framing.ts'

const SEQUENCE = 0x30
const OBJECT_IDENTIFIER = 0x06
const CONTEXT_0 = 0xa0

const RSASSA_PSS = '1.2.840.113549.1.1.10'

/** Hash functions by the OID of a signature algorithm, or of the hash itself (in the parameters of RSASSA-PSS). */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.4', 'md5'], // md5WithRSAEncryption
  ['1.2.840.113549.1.1.5', 'sha1'], // sha1WithRSAEncryption
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10040.4.3', 'sha1'], // dsa-with-sha1
  ['2.16.840.1.101.3.4.3.1', 'sha224'], // dsa-with-sha224
  ['2.16.840.1.101.3.4.3.2', 'sha256'],
  ['1.2.840.10045.4.1', 'sha1'], // ecdsa-with-SHA1
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.2.840.113549.2.5', 'md5'],
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/**
 * The tls-server-end-point channel binding (RFC 5929 section 4.1): a hash of the server's certificate, with the hash
 * function of the certificate's signature, or SHA-256 where that is MD5 or SHA-1.
 * @throws ProtocolViolation when the certificate is malformed, or its signature names no single hash function (Ed25519):
 *   the binding is undefined then, and libpq refuses as well
 */
export function serverEndPointBinding(certificateDer: Buffer): Buffer {
  const hash = signatureHash(certificateDer)
  return createHash(hash === 'md5' || hash === 'sha1' ? 'sha256' : hash)
    .update(certificateDer)
    .digest()
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OID, parameters }, signature } */
function signatureHash(der: Buffer): string {
  const certificate = element(der, 0, der.length, SEQUENCE)
  const toBeSigned = element(der, certificate.start, certificate.end, SEQUENCE)
  const algorithm = element(der, toBeSigned.end, certificate.end, SEQUENCE)
  const identifier = element(der, algorithm.start, algorithm.end, OBJECT_IDENTIFIER)
  const name = objectIdentifier(der.subarray(identifier.start, identifier.end))
  const hash = name === RSASSA_PSS ? pssHash(der, identifier.end, algorithm.end) : HASHES.get(name)
  if (hash === undefined) throw violation('the signature of the certificate names no hash function')
  return hash
}

/** RSASSA-PSS-params ::= SEQUENCE { hashAlgorithm [0] AlgorithmIdentifier DEFAULT sha1, … } (RFC 4055 section 3.1) */
function pssHash(der: Buffer, start: number, end: number): string | undefined {
  const parameters = element(der, start, end, SEQUENCE)
  if (der[parameters.start] !== CONTEXT_0 || parameters.start === parameters.end) return 'sha1'
  const tagged = element(der, parameters.start, parameters.end, CONTEXT_0)
  const algorithm = element(der, tagged.start, tagged.end, SEQUENCE)
  const identifier = element(der, algorithm.start, algorithm.end, OBJECT_IDENTIFIER)
  return HASHES.get(objectIdentifier(der.subarray(identifier.start, identifier.end)))
}

/** The contents of the DER element at `at`, which must have this tag and end before `limit`. */
function element(
  der: Buffer,
  at: number,
  limit: number,
  tag: number,
): { readonly start: number; readonly end: number } {
  const first = der[at + 1]
  if (at + 2 > limit || der[at] !== tag || first === undefined) throw violation('the certificate is not DER')
  const lengthBytes = first < 0x80 ? 0 : first - 0x80
  if (lengthBytes > 4 || first === 0x80 || at + 2 + lengthBytes > limit) throw violation('the certificate is not DER')
  const start = at + 2 + lengthBytes
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes)
  if (length > limit - start) throw violation('the certificate is not DER')
  return { start, end: start + length }
}

function objectIdentifier(bytes: Buffer): string {
  const arcs: number[] = []
  let value = 0
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f)
    if (byte & 0x80) continue
    arcs.push(value)
    value = 0
  }
  const [head = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(head / 40))
  return [root, head - 40 * root, ...rest].join('.')
}

const violation = (what: string): ProtocolViolation => new ProtocolViolation('backend', `channel binding: ${what}`)
