import type { ApprovalRequest, RequestMember } from '../approve/approval-request.ts'
import type { ApproverDesk } from '../approve/approvals.ts'
import type { RegistrationAnswer, RegistrationStart, ShownPasskey } from '../approve/passkeys.ts'
import type { StepUp } from '../config/config.ts'
import type { Principal } from '../identity/principal.ts'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'

/** All that the web listener asks of other rooms. A part that is undefined is not configured: its routes do not exist. */
export interface WebServices {
  /** Rejects what is not valid, over, or revoked. */
  readonly verify: (token: string) => VerifiedIdentity | Promise<VerifiedIdentity>
  readonly delegation: DelegationService | undefined
  readonly approvals: ApprovalService | undefined
  readonly access: AccessService | undefined
  /** What clients are told about the other ways in. */
  readonly about: GatewayDescription
}

/** What clients need to find the gateway's listeners and to sign in. Public. */
export interface GatewayDescription {
  readonly version: string
  readonly postgres: { readonly host: string; readonly port: number }
  readonly signIn?: { readonly issuer: string; readonly clientId: string; readonly scopes: readonly string[] }
}

/** Token exchange (RFC 8693) and what is published with it. */
export interface DelegationService {
  /** The parameters of the form. Never rejects for what the client did. */
  exchange(parameters: URLSearchParams): Promise<TokenAnswer>
  /** RFC 7517, section 5. */
  jwks(): object
  /** RFC 8414, section 2. */
  metadata(): object
}

/** RFC 6749, sections 5.1 and 5.2. */
export type TokenAnswer =
  | { readonly kind: 'token'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'error'; readonly error: string; readonly description: string }

export interface ApprovalService {
  readonly desk: ApproverDesk
  /** By a member of the request's chain; a request that is not pending stays as it is. */
  withdraw(id: string): Promise<void>
  readonly stepUp: StepUp
  /** Longest time that may be given, in minutes. */
  readonly maxMinutes: number
  readonly passkeys: PasskeyService
  /** Names of the pools that somebody is in. */
  poolsOf(principal: Principal): ReadonlySet<string>
  /** The rows that a held write would touch, masked for who asks; undefined: there is nothing that can be shown. */
  preview(request: ApprovalRequest, identity: VerifiedIdentity): Promise<Preview | undefined>
}

/** Cells are masked already; null is SQL's. */
export interface Preview {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** How many rows there are in all, as far as was counted. */
  readonly total: number
  readonly totalIsExact: boolean
}

/** Registration of passkeys (WebAuthn Level 2, section 7.1); the desk verifies those of decisions. What does not verify rejects with CHP-APPROVAL-INVALID. */
export interface PasskeyService {
  list(by: RequestMember): Promise<readonly ShownPasskey[]>
  /** `authenticatedAt`: when the browser's user signed in at the issuer; the first passkey needs a fresh sign-in. */
  beginRegistration(by: RequestMember, authenticatedAt: number | undefined): Promise<RegistrationStart>
  finishRegistration(by: RequestMember, answer: RegistrationAnswer): Promise<ShownPasskey>
}

/** Time-boxed use of grants that are given on request. */
export interface AccessService {
  /** What this chain may ask for. */
  requestable(principal: Principal): readonly RequestableGrant[]
  /** Rejects with CHP-AUTH-REFUSED for a grant that is not among them. */
  request(principal: Principal, wanted: WantedAccess): Promise<ApprovalRequest>
}

export interface RequestableGrant {
  readonly name: string
  readonly targets: readonly string[]
  readonly clearance: string
  readonly maxDurationMs: number
}

export interface WantedAccess {
  readonly grant: string
  readonly durationMs: number
  readonly justification: string
}
