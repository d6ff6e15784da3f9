import { randomBytes } from 'node:crypto'
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server'
import type { Clock } from '../lib/clock.ts'
import { type ApprovalRecorder, passkeyRecord } from './approval-records.ts'
import type { RequestMember } from './approval-request.ts'
import { available } from './approval-unavailable.ts'
import {
  decisionChallenge,
  type DecisionSignature,
  type DecisionSigning,
  type DecisionToSign,
} from './decision-challenge.ts'
import type { PasskeyRepository, StoredChallenge, StoredPasskey } from './passkey-repository.ts'
import { openPasskey, type Passkey, passkeyInvalid, sealPasskey } from './passkey.ts'
import { type Sealing, sealing } from './sealing.ts'
import { challengeOf, WebauthnCeremonies } from './webauthn-ceremonies.ts'

export interface PasskeysOptions {
  readonly repository: PasskeyRepository
  /** Without a slash at the end: its host is what passkeys belong to, its origin where they may be used. */
  readonly publicUrl: string
  /** 32 bytes, the same for all gateways of a store. */
  readonly key: Buffer
  readonly recorder: ApprovalRecorder
  /** Somebody has a new passkey: an alert. */
  readonly onRegistered: (by: RequestMember, credential: string, isFirst: boolean) => void
  /** One that never goes back. */
  readonly clock: Clock
}

export interface ShownPasskey {
  readonly id: string
  readonly name: string
  readonly createdAt: number
  readonly lastUsedAt: number | undefined
}

export interface RegistrationStart {
  readonly creation: PublicKeyCredentialCreationOptionsJSON
  /** Somebody who has a passkey shows it before another one is taken. */
  readonly proof: PublicKeyCredentialRequestOptionsJSON | undefined
}

export interface RegistrationAnswer {
  /** What its owner calls it. */
  readonly name: string
  readonly attestation: RegistrationResponseJSON
  readonly proof: AuthenticationResponseJSON | undefined
}

/** A ceremony, and the sign-in that allows the first registration, may be so old. */
const FRESH_MS = 5 * 60_000
const CLOCK_SKEW_MS = 60_000
const MAX_PASSKEYS = 10
const MAX_NAME = 60

/** What a challenge is for. One that was made for something else does not count. */
const PURPOSE = {
  decision: 'decision',
  first: 'register-first',
  next: 'register-next',
  proof: 'register-proof',
} as const

/** Passkeys of approvers (WebAuthn Level 2, section 7): registration, and signatures of decisions. */
export class Passkeys implements DecisionSigning {
  readonly #options: PasskeysOptions
  readonly #ceremonies: WebauthnCeremonies
  readonly #seal: Sealing

  constructor(options: PasskeysOptions) {
    this.#options = options
    this.#ceremonies = new WebauthnCeremonies(options.publicUrl)
    this.#seal = sealing(options.key, 'passkeys')
  }

  async list(by: RequestMember): Promise<readonly ShownPasskey[]> {
    const passkeys = await this.#passkeysOf(by)
    return passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({ id, name, createdAt, lastUsedAt }))
  }

  /**
   * @param authenticatedAt when the person signed in at the issuer (`auth_time`). The first passkey needs a fresh sign-in, further
   *   ones need one of those that are there.
   */
  async beginRegistration(by: RequestMember, authenticatedAt: number | undefined): Promise<RegistrationStart> {
    if (by.kind !== 'human') throw passkeyInvalid('only people have passkeys')
    const passkeys = await this.#passkeysOf(by)
    if (passkeys.length >= MAX_PASSKEYS) throw passkeyInvalid(`there are ${MAX_PASSKEYS} passkeys already`)
    const isFirst = passkeys.length === 0
    if (isFirst && !this.#isFresh(authenticatedAt)) {
      throw passkeyInvalid('the first passkey needs a sign-in of the last five minutes; sign in again')
    }
    const creation = await this.#begin(by, isFirst ? PURPOSE.first : PURPOSE.next)
    return {
      creation: await this.#ceremonies.creationOptions(owner(by), creation, passkeys),
      proof: isFirst
        ? undefined
        : await this.#ceremonies.requestOptions(await this.#begin(by, PURPOSE.proof), passkeys),
    }
  }

  async finishRegistration(by: RequestMember, { name, attestation, proof }: RegistrationAnswer): Promise<ShownPasskey> {
    const label = name.trim()
    if (label === '' || label.length > MAX_NAME || /\p{Cc}/u.test(label) || !label.isWellFormed()) {
      throw passkeyInvalid(`a name of 1 to ${MAX_NAME} characters is required`)
    }
    const begun = await this.#take(by, challengeOf(attestation), [PURPOSE.first, PURPOSE.next])
    const passkeys = await this.#passkeysOf(by)
    const isFirst = begun.purpose === PURPOSE.first
    // Another one was registered meanwhile: it has to be shown.
    if (isFirst !== (passkeys.length === 0)) throw passkeyInvalid('the registration has to begin anew')
    if (!isFirst) await this.#prove(by, passkeys, proof)
    const made = await this.#ceremonies.register(attestation, begun.challenge)
    const { recorder, repository, onRegistered, clock } = this.#options
    const createdAt = Math.floor(clock())
    const passkey: Passkey = { ...made, name: label, owner: owner(by), createdAt, lastUsedAt: undefined }
    await recorder.record(passkeyRecord(by, { event: 'passkey-registered', passkey: passkey.id, first: isFirst }))
    if (!(await available(repository.addPasskey(sealPasskey(passkey, this.#seal))))) {
      throw passkeyInvalid('this passkey is registered already')
    }
    onRegistered(by, passkey.id, isFirst)
    return { id: passkey.id, name: label, createdAt, lastUsedAt: undefined }
  }

  /** By the operator, for somebody who has lost them: the next one is a first one again. How many there were. */
  async removeAll(of: Pick<RequestMember, 'issuer' | 'subject'>, reason: string): Promise<number> {
    const { recorder, repository } = this.#options
    const passkeys = await available(repository.passkeysOf(owner(of)))
    let removed = 0
    for (const { id } of passkeys) {
      await recorder.record(passkeyRecord(of, { event: 'passkey-removed', passkey: id }, { reason }))
      if (await available(repository.removePasskey(id, owner(of)))) removed += 1
    }
    return removed
  }

  async hasPasskey(by: RequestMember): Promise<boolean> {
    return (await this.#passkeysOf(by)).length > 0
  }

  async challenge(decision: DecisionToSign): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const passkeys = await this.#passkeysOf(decision.by)
    if (passkeys.length === 0) throw passkeyInvalid('this person has no passkey; register one first')
    const challenge = await this.#begin(decision.by, PURPOSE.decision, (nonce, expiresAt) =>
      decisionChallenge(decision, { nonce, expiresAt }),
    )
    return this.#ceremonies.requestOptions(challenge, passkeys)
  }

  async verify(decision: DecisionToSign, assertion: AuthenticationResponseJSON): Promise<DecisionSignature> {
    const begun = await this.#take(decision.by, challengeOf(assertion), [PURPOSE.decision])
    const expected = decisionChallenge(decision, begun).toString('base64url')
    if (expected !== begun.challenge) throw passkeyInvalid('it was made for another decision')
    const passkey = await this.#assert(await this.#passkeysOf(decision.by), assertion, begun.challenge)
    const { authenticatorData, clientDataJSON, signature } = assertion.response
    return {
      credential: passkey.id,
      publicKey: passkey.publicKey.toString('base64url'),
      nonce: begun.nonce,
      expiresAt: begun.expiresAt,
      authenticatorData,
      clientDataJSON,
      signature,
    }
  }

  async #prove(
    by: RequestMember,
    passkeys: readonly Passkey[],
    proof: AuthenticationResponseJSON | undefined,
  ): Promise<void> {
    if (proof === undefined) throw passkeyInvalid('a passkey that is there has to be shown first')
    const { challenge } = await this.#take(by, challengeOf(proof), [PURPOSE.proof])
    await this.#assert(passkeys, proof, challenge)
  }

  async #assert(
    passkeys: readonly Passkey[],
    assertion: AuthenticationResponseJSON,
    challenge: string,
  ): Promise<Passkey> {
    const passkey = passkeys.find(({ id }) => id === assertion.id)
    if (passkey === undefined) throw passkeyInvalid('it is not a passkey of this person')
    const counter = await this.#ceremonies.assert(assertion, challenge, passkey)
    const { repository, clock } = this.#options
    if (!(await available(repository.countPasskey(passkey.id, counter, Math.floor(clock()))))) {
      throw passkeyInvalid('its counter was seen before')
    }
    return passkey
  }

  /** Stores a challenge and gives it back, in base64url. */
  async #begin(
    by: RequestMember,
    purpose: string,
    make: (nonce: string, expiresAt: number) => Buffer = () => randomBytes(32),
  ): Promise<string> {
    const { repository, clock } = this.#options
    const nonce = randomBytes(16).toString('base64url')
    const expiresAt = Math.floor(clock()) + FRESH_MS
    const challenge = make(nonce, expiresAt).toString('base64url')
    await available(repository.addChallenge({ challenge, owner: owner(by), purpose, nonce, expiresAt }))
    return challenge
  }

  /** The ceremony that this answers. Whatever comes of it, there is no second answer. */
  async #take(by: RequestMember, challenge: string, purposes: readonly string[]): Promise<StoredChallenge> {
    const begun = await available(this.#options.repository.takeChallenge(challenge))
    if (begun === undefined) throw passkeyInvalid('the challenge is not known, or was answered already')
    if (begun.owner !== owner(by)) throw passkeyInvalid('the challenge is somebody else’s')
    if (!purposes.includes(begun.purpose)) throw passkeyInvalid('the challenge is for something else')
    if (this.#options.clock() >= begun.expiresAt) throw passkeyInvalid('the challenge is older than five minutes')
    return begun
  }

  async #passkeysOf(by: RequestMember): Promise<readonly Passkey[]> {
    const stored = await available(this.#options.repository.passkeysOf(owner(by)))
    return stored.flatMap((one: StoredPasskey) => openPasskey(one, this.#seal) ?? [])
  }

  #isFresh(authenticatedAt: number | undefined): boolean {
    const now = this.#options.clock()
    return authenticatedAt !== undefined && authenticatedAt > now - FRESH_MS && authenticatedAt < now + CLOCK_SKEW_MS
  }
}

const owner = ({ issuer, subject }: Pick<RequestMember, 'issuer' | 'subject'>): string => `${issuer}/${subject}`
