import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { type Passkey, passkeyInvalid } from './passkey.ts'

const TIMEOUT_MS = 5 * 60_000
/** COSE: EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257]
const NAME = 'Chaperone'

type Credential = Pick<Passkey, 'id' | 'transports'>

/** WebAuthn as it is used here: always with user verification, at one origin, never in a frame of another. */
export class WebauthnCeremonies {
  readonly #origin: string
  readonly #host: string

  constructor(publicUrl: string) {
    const { origin, hostname } = new URL(publicUrl)
    this.#origin = origin
    this.#host = hostname
  }

  /** @param challenge in base64url. */
  creationOptions(
    owner: string,
    challenge: string,
    known: readonly Credential[],
  ): Promise<PublicKeyCredentialCreationOptionsJSON> {
    return generateRegistrationOptions({
      rpName: NAME,
      rpID: this.#host,
      userName: owner,
      userDisplayName: owner,
      challenge: bytes(challenge),
      timeout: TIMEOUT_MS,
      attestationType: 'none',
      excludeCredentials: known.map(descriptor),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      supportedAlgorithmIDs: ALGORITHMS,
    })
  }

  requestOptions(challenge: string, known: readonly Credential[]): Promise<PublicKeyCredentialRequestOptionsJSON> {
    return generateAuthenticationOptions({
      rpID: this.#host,
      challenge: bytes(challenge),
      timeout: TIMEOUT_MS,
      allowCredentials: known.map(descriptor),
      userVerification: 'required',
    })
  }

  /** Rejects with CHP-APPROVAL-INVALID. */
  async register(
    response: RegistrationResponseJSON,
    challenge: string,
  ): Promise<Pick<Passkey, 'id' | 'publicKey' | 'counter' | 'transports'>> {
    refuseFrames(response)
    const { verified, registrationInfo } = await checked(
      verifyRegistrationResponse({
        response,
        expectedChallenge: challenge,
        expectedOrigin: this.#origin,
        expectedRPID: this.#host,
        requireUserVerification: true,
        supportedAlgorithmIDs: ALGORITHMS,
      }),
    )
    if (!verified) throw passkeyInvalid('the registration does not verify')
    const { id, publicKey, counter } = registrationInfo.credential
    const transports = response.response.transports ?? []
    return { id, publicKey: Buffer.from(publicKey), counter, transports: transports.map(String).slice(0, 10) }
  }

  /** The count that the authenticator has come to. Rejects with CHP-APPROVAL-INVALID. */
  async assert(response: AuthenticationResponseJSON, challenge: string, passkey: Passkey): Promise<number> {
    refuseFrames(response)
    const { verified, authenticationInfo } = await checked(
      verifyAuthenticationResponse({
        response,
        expectedChallenge: challenge,
        expectedOrigin: this.#origin,
        expectedRPID: this.#host,
        requireUserVerification: true,
        credential: { id: passkey.id, publicKey: new Uint8Array(passkey.publicKey), counter: passkey.counter },
      }),
    )
    if (!verified) throw passkeyInvalid('the signature is wrong')
    return authenticationInfo.newCounter
  }
}

/** The challenge that an answer says it answers, in base64url; '' for what is no answer. */
export function challengeOf(response: ClientAnswer): string {
  const { challenge } = clientData(response)
  return typeof challenge === 'string' ? challenge : ''
}

interface ClientAnswer {
  readonly response: { readonly clientDataJSON: string }
}

interface ClientData {
  readonly challenge?: unknown
  readonly crossOrigin?: unknown
  readonly topOrigin?: unknown
}

/** What comes from a browser may be anything. */
function clientData(answer: ClientAnswer): ClientData {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(answer.response.clientDataJSON, 'base64url').toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {}
  }
}

/** The page is shown in no frame, so nobody is asked in one. */
function refuseFrames(answer: ClientAnswer): void {
  const { crossOrigin = false, topOrigin } = clientData(answer)
  if (crossOrigin !== false || topOrigin !== undefined)
    throw passkeyInvalid('it was asked for by a page of another site')
}

/** The library's messages quote what they were given. */
async function checked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw passkeyInvalid('origin, challenge, user verification, counter or signature do not fit', error)
  }
}

const bytes = (base64url: string) => new Uint8Array(Buffer.from(base64url, 'base64url'))

const descriptor = ({ id, transports }: Credential) => ({ id, transports: [...transports] })
