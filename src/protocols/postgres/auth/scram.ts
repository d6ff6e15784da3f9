import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ProtocolViolation } from '../framing.ts'
import { MAX_SCRAM_ITERATIONS, MIN_SCRAM_ITERATIONS } from '../limits.ts'

const HASH = 'sha256'
const HASH_BYTES = 32
/** As libpq: 18 bytes, 24 characters. RFC 5802 leaves the length open. */
const NONCE_BYTES = 18

export interface ScramOptions {
  /** The tls-server-end-point binding (RFC 5929). Given, the mechanism is SCRAM-SHA-256-PLUS. */
  readonly channelBinding?: Buffer
  /** Over TLS, when the server did not offer -PLUS: says so under the signature, so that removing the offer is noticed. */
  readonly bindingNotOffered?: boolean
  /** PostgreSQL takes the user from the startup message and ignores this one; libpq leaves it empty, and so is the default. */
  readonly user?: string
  /** Printable characters without a comma; random unless given. */
  readonly nonce?: string
}

/** What the server asks the client to derive a key with. */
export interface ScramChallenge {
  readonly salt: Buffer
  readonly iterations: number
}

/**
 * The client's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), without I/O: `start`, `challenge`,
 * `respond`, `finish`. The key is derived elsewhere (`ScramKeys`), because that takes milliseconds. Every step throws a
 * ProtocolViolation of the backend for what the server must not say; none holds a secret.
 */
export class ScramClient {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS'
  readonly #binding: Buffer
  readonly #nonce: string
  readonly #firstBare: string
  readonly #header: string
  #serverFirst = ''
  #serverNonce = ''
  #serverSignature: Buffer | undefined
  #verified = false

  constructor(options: ScramOptions) {
    const { channelBinding, bindingNotOffered = false, user = '' } = options
    this.mechanism = channelBinding === undefined ? 'SCRAM-SHA-256' : 'SCRAM-SHA-256-PLUS'
    this.#binding = channelBinding ?? Buffer.alloc(0)
    this.#nonce = options.nonce ?? randomBytes(NONCE_BYTES).toString('base64')
    this.#firstBare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`
    const withoutBinding = bindingNotOffered ? 'y,,' : 'n,,'
    this.#header = channelBinding === undefined ? withoutBinding : 'p=tls-server-end-point,,'
  }

  /** Whether the server has proven that it knows the password. AuthenticationOk before that must not be believed. */
  get verified(): boolean {
    return this.#verified
  }

  /** For SASLInitialResponse. */
  start(): { readonly mechanism: string; readonly response: Buffer } {
    return { mechanism: this.mechanism, response: Buffer.from(this.#header + this.#firstBare) }
  }

  /** Takes AuthenticationSASLContinue apart. */
  challenge(serverFirst: Buffer): ScramChallenge {
    if (this.#serverFirst !== '') throw violation('a second challenge')
    const text = attributeText(serverFirst)
    const [nonce, salt, iterations, ...extensions] = text.split(',')
    if (nonce?.startsWith('m=')) throw violation('a mandatory extension is not supported')
    if (nonce === undefined || !nonce.startsWith('r=') || salt === undefined || !salt.startsWith('s=')) {
      throw violation('the challenge is malformed')
    }
    if (iterations === undefined || !/^i=[1-9][0-9]{0,9}$/.test(iterations))
      throw violation('the challenge is malformed')
    if (!extensions.every((extension) => /^[A-Za-z]=/.test(extension))) throw violation('the challenge is malformed')
    const serverNonce = nonce.slice(2)
    if (!serverNonce.startsWith(this.#nonce) || serverNonce.length === this.#nonce.length) {
      throw violation('the nonce does not extend ours')
    }
    const count = Number(iterations.slice(2))
    if (count < MIN_SCRAM_ITERATIONS || count > MAX_SCRAM_ITERATIONS) {
      throw violation(`${count} iterations are not within ${MIN_SCRAM_ITERATIONS} to ${MAX_SCRAM_ITERATIONS}`)
    }
    const saltBytes = base64(salt.slice(2))
    if (saltBytes.length === 0) throw violation('the challenge is malformed')
    this.#serverFirst = text
    this.#serverNonce = serverNonce
    return { salt: saltBytes, iterations: count }
  }

  /** The SASLResponse to the challenge; `salted` is the SaltedPassword of it. */
  respond(salted: Buffer): Buffer {
    if (this.#serverFirst === '' || this.#serverSignature !== undefined) throw violation('the exchange is out of order')
    const binding = Buffer.concat([Buffer.from(this.#header), this.#binding]).toString('base64')
    const withoutProof = `c=${binding},r=${this.#serverNonce}`
    const authMessage = `${this.#firstBare},${this.#serverFirst},${withoutProof}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash(HASH).update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ signature[index]!))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage)
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Takes AuthenticationSASLFinal; returns if the server has proven itself. */
  finish(serverFinal: Buffer): void {
    const expected = this.#serverSignature
    if (expected === undefined || this.#verified) throw violation('the exchange is out of order')
    const [verifier = '', ...extensions] = attributeText(serverFinal).split(',')
    if (verifier.startsWith('e=')) throw violation('the server reports an error')
    if (!verifier.startsWith('v=') || !extensions.every((extension) => /^[A-Za-z]=/.test(extension))) {
      throw violation('the final message is malformed')
    }
    const signature = base64(verifier.slice(2))
    if (signature.length !== HASH_BYTES || !timingSafeEqual(signature, expected)) {
      throw violation('the server does not know the password')
    }
    this.#verified = true
  }
}

const hmac = (key: Buffer, data: string): Buffer => createHmac(HASH, key).update(data).digest()

/** Messages are UTF-8; latin1 keeps every byte as it is, which the signature needs, and no attribute used here is more. */
function attributeText(message: Buffer): string {
  const text = message.toString('latin1')
  if (!/^[\x21-\x7e]+$/.test(text)) throw violation('a message has characters that none of its attributes may have')
  return text
}

function base64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw violation('base64 is malformed')
  return bytes
}

const violation = (what: string): ProtocolViolation => new ProtocolViolation('backend', `SCRAM: ${what}`)
