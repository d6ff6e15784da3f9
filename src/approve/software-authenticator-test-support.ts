import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'

type Cbor = number | string | Buffer | ReadonlyMap<number | string, Cbor>

/** RFC 8949, as much of it as attestations need. */
function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, one]) => [cbor(key), cbor(one)])])
}

function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(major << 5) | argument])
  if (argument < 256) return Buffer.from([(major << 5) | 24, argument])
  return Buffer.from([(major << 5) | 25, argument >> 8, argument & 0xff])
}

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest()

const FLAGS = { present: 0x01, verified: 0x04, attested: 0x40 }

/** What a forger changes. */
export interface Behaviour {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly type?: string
  readonly userVerified?: boolean
  readonly userPresent?: boolean
  readonly counter?: number
  readonly clientData?: Readonly<Record<string, unknown>>
  /** Signs with it instead of the credential's own. */
  readonly key?: KeyObject
}

/** An authenticator and the browser before it: ES256, attestation "none", counting signatures. */
export class SoftwareAuthenticator {
  readonly id = randomBytes(16).toString('base64url')
  readonly #origin: string
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #counter = 0

  constructor(origin: string) {
    this.#origin = origin
  }

  create(options: PublicKeyCredentialCreationOptionsJSON, behaviour: Behaviour = {}): RegistrationResponseJSON {
    const clientData = this.#clientData('webauthn.create', options.challenge, behaviour)
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' })
    const key = new Map<number, Cbor>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, Buffer.from(x ?? '', 'base64url')],
      [-3, Buffer.from(y ?? '', 'base64url')],
    ])
    const id = Buffer.from(this.id, 'base64url')
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, cbor(key)])
    const authData = Buffer.concat([
      this.#authenticatorData(options.rp.id ?? '', FLAGS.attested, { counter: 0, ...behaviour }),
      attested,
    ])
    const attestation = new Map<string, Cbor>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ])
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString('base64url'),
        attestationObject: cbor(attestation).toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  get(options: PublicKeyCredentialRequestOptionsJSON, behaviour: Behaviour = {}): AuthenticationResponseJSON {
    this.#counter += 1
    const clientData = this.#clientData('webauthn.get', options.challenge, behaviour)
    const authData = this.#authenticatorData(options.rpId ?? '', 0, { counter: this.#counter, ...behaviour })
    const signed = Buffer.concat([authData, sha256(clientData)])
    return {
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      clientExtensionResults: {},
      response: {
        clientDataJSON: clientData.toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        signature: sign('sha256', signed, behaviour.key ?? this.#keys.privateKey).toString('base64url'),
      },
    }
  }

  #clientData(type: string, challenge: string, behaviour: Behaviour): Buffer {
    return Buffer.from(
      JSON.stringify({
        type: behaviour.type ?? type,
        challenge: behaviour.challenge ?? challenge,
        origin: behaviour.origin ?? this.#origin,
        crossOrigin: false,
        ...behaviour.clientData,
      }),
    )
  }

  #authenticatorData(rpId: string, flags: number, { counter = 0, ...behaviour }: Behaviour): Buffer {
    const present = behaviour.userPresent === false ? 0 : FLAGS.present
    const verified = behaviour.userVerified === false ? 0 : FLAGS.verified
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    return Buffer.concat([sha256(behaviour.rpId ?? rpId), Buffer.from([flags | present | verified]), count])
  }
}
