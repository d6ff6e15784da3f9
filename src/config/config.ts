import type { Pack } from '../phi/packs.ts'
import type { CustomTransform } from '../phi/transform-names.ts'
import type { AlertsConfig } from './alerts-config.ts'
import type { BudgetSpan, BudgetUnit } from './budget-units.ts'
import type { DetectorsConfig } from './detectors-config.ts'
import type { KeyReference, StoreConfig, TokensConfig } from './store-config.ts'

/**
 * Everything the operator has decided: `chaperone.yaml` with its defaults filled in and the environment applied. Made by
 * `load.ts`, deeply frozen. Durations are milliseconds, sizes are bytes, paths are absolute.
 */
export interface Config {
  /** Absolute path of the file that was read. */
  readonly file: string
  readonly listen: { readonly postgres: PostgresListenConfig; readonly web: WebListenConfig | undefined }
  readonly admin: AdminConfig
  /** Directory for everything the gateway keeps. */
  readonly state: string
  readonly journal: JournalConfig
  readonly store: StoreConfig
  readonly issuers: readonly IssuerConfig[]
  /** By name, which is also the database name that clients ask for. Has no prototype: any string is safe to look up. */
  readonly targets: Readonly<Record<string, TargetConfig>>
  readonly phi: PhiConfig
  readonly grants: readonly GrantConfig[]
  readonly rules: readonly RuleConfig[]
  readonly packs: PacksConfig
  readonly delegation: DelegationConfig | undefined
  readonly approvals: ApprovalsConfig | undefined
  readonly alerts: AlertsConfig
  readonly activation: ActivationConfig
  /** `sha256:` and 64 hexadecimal digits over what decides: grants, rules, packs, PHI and targets; no credential, no key. */
  readonly policyVersion: string
  /** Where a part of the file stands, for findings that are made later; the nearest enclosing part if it is not there. */
  positionOf(path: readonly (string | number)[]): Position
}

/** Both count from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface PostgresListenConfig {
  readonly host: string
  readonly port: number
  readonly tls: ListenTlsConfig | undefined
  /** A token may be sent without TLS; only possible when `host` is a loopback address. */
  readonly allowPlaintextPasswordOnLoopback: boolean
  /** Clients that log in as this user are offered SASL OAUTHBEARER (RFC 7628); all others are asked for a password. */
  readonly oauthUser: string
  readonly limits: LimitsConfig
}

/** For people and agents: token exchange, requests and approvals. https, but on loopback. */
export interface WebListenConfig {
  readonly host: string
  readonly port: number
  readonly tls: ListenTlsConfig | undefined
  /** How clients reach it: links, the `iss` of gateway tokens and the origin of passkeys. No slash at the end. */
  readonly publicUrl: string
  /** How approvers sign in with a browser (authorization code with PKCE); undefined: they cannot, and decide by the API only. */
  readonly signIn: SignInConfig | undefined
}

export interface SignInConfig {
  /** Name of an issuer. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: PasswordReference
  /** Public client of the command line (device code, or a browser with a loopback redirect); undefined: no `chaperone login`. */
  readonly cliClientId: string | undefined
  readonly scopes: readonly string[]
}

/** Gateway tokens by token exchange (RFC 8693). */
export interface DelegationConfig {
  /** Of the key that signs them (Ed25519); the gateway's own file unless named. */
  readonly signingKey: KeyReference
  readonly keyIsOwn: boolean
  /** Keys whose tokens are still accepted. */
  readonly previousSigningKeys: readonly KeyReference[]
  /** Longest life of a gateway token; it never outlives the tokens that it was made of. */
  readonly lifetime: number
  /** Members of a chain at most, the current actor included. */
  readonly maxChain: number
}

/** People who may decide. */
export interface PoolConfig {
  readonly name: string
  readonly principals: readonly PrincipalMatch[]
}

export interface ApprovalNeedConfig {
  readonly pools: readonly string[]
  readonly quorum: number
}

/** tokenOnlyWithoutPasskey: a stolen token of an approver is enough to decide; a named weaker setting. */
export const STEP_UPS = ['passkey', 'tokenOnlyWithoutPasskey'] as const

export type StepUp = (typeof STEP_UPS)[number]

export interface ApprovalsConfig {
  readonly pools: readonly PoolConfig[]
  /** For rules and grants that say nothing themselves. */
  readonly default: ApprovalNeedConfig
  readonly stepUp: StepUp
  /** How long a client waits on the wire; in a transaction, which may hold locks. */
  readonly wait: number
  readonly waitInTransaction: number
  /** From the request to its end without a decision. */
  readonly requestLifetime: number
  /** Longest time for which "this operation for N minutes" may be given. */
  readonly maxApproval: number
  /** Requests of one chain that may be pending. */
  readonly maxPending: number
  /** Of the key that encrypts exact statements of pending requests; the gateway's own file unless named. */
  readonly key: KeyReference
  readonly keyIsOwn: boolean
  readonly webhooks: readonly WebhookConfig[]
}

export interface WebhookConfig {
  readonly name: string
  readonly url: string
  /** Signs deliveries (Standard Webhooks, HMAC-SHA256). */
  readonly secret: PasswordReference
  readonly caFile: string | undefined
}

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export type Weekday = (typeof WEEKDAYS)[number]

/** Local times of a day, in minutes since midnight; `to` before `from` goes over midnight. */
export interface ScheduleConfig {
  readonly days: readonly Weekday[]
  readonly from: number
  readonly to: number
  /** IANA name. */
  readonly timezone: string
}

/** Who may put a new version of the policy into force. file: whoever may write the file and restart the gateway. */
export type ActivationConfig = { readonly kind: 'file' } | ({ readonly kind: 'managed' } & ApprovalNeedConfig)

export interface ListenTlsConfig {
  readonly certificateFile: string
  readonly keyFile: string
}

export interface LimitsConfig {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** From accept to the end of the login. */
  readonly handshakeTimeout: number
  readonly idleTimeout: number
  readonly statementTimeout: number
  /** Length of one statement string. */
  readonly maxQueryBytes: number
  /** Length of one protocol message other than a statement, in either direction (rows, parameters, COPY data). */
  readonly maxRowBytes: number
  /** Messages of one client that may wait for their answer. */
  readonly maxPipelined: number
  /** Prepared statements and portals that one session may hold. */
  readonly maxPreparedStatements: number
}

export type AdminConfig =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'loopback'; readonly port: number }

export type Durability = 'fsync' | 'process-crash'

export interface JournalConfig {
  readonly directory: string
  readonly durability: Durability
  readonly segmentSize: number
  /** File with the key that encrypts bodies at rest. */
  readonly bodyKeyFile: string
  /** age recipients; empty exactly when the operator opted out with `statementsAreNotSealed`. */
  readonly sealTo: readonly string[]
  readonly statementsAreNotSealed: boolean
  /** Warn when less is free on the journal's file system. */
  readonly minimumFreeSpace: number
  /** Kept back so that sessions can end in order when the disk is full. */
  readonly reserveSpace: number
}

export type PrincipalKind = 'human' | 'agent' | 'service'

/** Same shape as `identity`'s IssuerSettings. */
export interface IssuerConfig {
  /** Short name, used in grants and messages. */
  readonly name: string
  /** The `iss` claim, exactly. */
  readonly issuer: string
  readonly allowInsecureLoopback: boolean
  /** One of them must be in the token's `aud`. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly clockSkewSeconds: number
  /** Longest accepted time from `iat` to `exp`. */
  readonly maxLifetimeSeconds: number
  readonly claims: ClaimsConfig
  /** Each must be present with this value (or, for a list in the token, contain it). */
  readonly requiredClaims: Readonly<Record<string, ClaimValue>>
  /** Where the keys are, when not where the discovery document says: of Kubernetes clusters and the like. */
  readonly keySource: KeySource
  /** PEM file for the issuer's https; undefined: the certificate authorities that the runtime trusts. */
  readonly caFile: string | undefined
  /** How the members of an `act` claim (RFC 8693, section 4.1) are taken; undefined: a token with one is refused. */
  readonly actors: ActorMapping | undefined
  /** Claims that grants ask for, sorted; the verifier keeps them on the principal. */
  readonly keepClaims: readonly string[]
  /** Keys are fetched again after this time. */
  readonly jwksCacheSeconds: number
  /** Keys that cannot be fetched again stay in use this long since the last fetch. */
  readonly jwksStaleSeconds: number
  /** At most one fetch in this time, whatever tokens arrive. */
  readonly jwksCooldownSeconds: number
  /** For one HTTP request. */
  readonly fetchTimeoutSeconds: number
}

export type ClaimValue = string | number | boolean

export type KeySource =
  | { readonly kind: 'discovery' }
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'file'; readonly file: string }

/** An actor without `iss` is of the token's own issuer. */
export interface ActorMapping {
  /** Names of issuers that an actor may be of. */
  readonly issuers: readonly string[]
  /** What actors are, by the name of their issuer. */
  readonly kind: Readonly<Record<string, PrincipalKind>>
}

/** Which claims make a principal. A dotted name walks into objects when there is no claim of that very name. */
export interface ClaimsConfig {
  readonly subject: string
  readonly groups: string
  readonly name: string | undefined
  readonly purpose: string | undefined
  readonly kind: KindMapping
}

/** A token whose claim has a value that is not listed is refused. */
export type KindMapping =
  | { readonly fixed: PrincipalKind }
  | { readonly claim: string; readonly values: Readonly<Record<string, PrincipalKind>> }

export type TlsMode = 'verify-full' | 'verifyCaOnly' | 'insecureSkipVerify' | 'plaintextWithoutTls'

export const UNLABELLED_COLUMNS = ['mask', 'pass', 'detect'] as const

export type UnlabelledColumns = (typeof UNLABELLED_COLUMNS)[number]

export type CatalogCheck = 'strict' | 'bounded'

export interface TargetConfig {
  readonly name: string
  readonly type: 'postgres'
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly credential: CredentialConfig
  readonly tls: TargetTlsConfig
  readonly acceptRisks: readonly TargetRisk[]
  /** Start-up parameters that a client may set besides those that are always allowed. */
  readonly startupParameters: readonly string[]
  /** Undefined: the listener's limit applies alone. */
  readonly statementTimeout: number | undefined
  /** What happens to a column that no label covers; detect: texts and documents as the transform `detect`, all others are masked. */
  readonly unlabelledColumns: UnlabelledColumns
  /** How often the catalog is read again. */
  readonly catalogRefresh: number
  /**
   * Whether masked statements are bound to the catalog that they were judged by: 'strict' looks again inside the
   * statement's own transaction; 'bounded' relies on `catalogRefresh`.
   */
  readonly catalogCheck: CatalogCheck
  readonly connectTimeout: number
}

/** References: `forward` fetches the secret when it dials. Neither present: the target asks for no authentication. */
export interface CredentialConfig {
  readonly password: PasswordReference
  readonly clientCertificate: { readonly certificateFile: string; readonly keyFile: string } | undefined
}

/** Same shape as `forward`'s CredentialReference. */
export type PasswordReference =
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'command'; readonly argv: readonly string[]; readonly timeoutMs: number }

export interface TargetTlsConfig {
  readonly mode: TlsMode
  /** PEM file; undefined: the certificate authorities that the runtime trusts. */
  readonly caFile: string | undefined
  /** Name in the target's certificate when it is not the host's. */
  readonly serverName: string | undefined
}

export const TARGET_RISKS = [
  'superuser',
  'server-files',
  'replication',
  'bypass-row-security',
  'session-pooler',
  'md5-password',
] as const

/** What `check` and every login refuse unless the target names it. */
export type TargetRisk = (typeof TARGET_RISKS)[number]

export interface PhiConfig {
  readonly pack: Pack
  /** By class: names of transforms instead of those of the pack. */
  readonly classes: Readonly<Record<string, string>>
  /** The transforms of the configuration's own, by name; no prototype. */
  readonly transforms: Readonly<Record<string, CustomTransform>>
  /** Where the key of the `pseudonym` transform is. Present whenever a label or a class uses it. */
  readonly pseudonymKey: KeyReference | undefined
  /** Keys whose pseudonyms are still understood. */
  readonly previousPseudonymKeys: readonly KeyReference[]
  readonly tokens: TokensConfig
  readonly detectors: DetectorsConfig
  readonly predicates: PredicatesConfig
  /** How many different values a sum or mean over PHI must be made from to be shown; none is without it. */
  readonly minimumGroupSize: number | undefined
  /** By target name: functions, as `schema.name`, that the operator vouches for. */
  readonly trustedFunctions: Readonly<Record<string, readonly string[]>>
  /** By target name; no prototype. */
  readonly labels: Readonly<Record<string, readonly LabelConfig[]>>
  /** By target name: columns that hold the key of a patient. The first is that of the patients' own relation. No prototype. */
  readonly patientKeys: Readonly<Record<string, readonly PatientKeyConfig[]>>
}

export interface PatientKeyConfig {
  readonly schema: string
  readonly table: string
  readonly column: string
}

export const PREDICATE_POLICIES = ['released-granularity', 'allow', 'hold', 'refuse'] as const

/** What becomes of a statement that asks about PHI in a condition, an order, a grouping or a computation. */
export type PredicatePolicy = (typeof PREDICATE_POLICIES)[number]

export interface PredicatesConfig {
  /** For classes that are not listed, for columns without a label, and for classes that are not known. */
  readonly default: PredicatePolicy
  /** By PHI class. */
  readonly classes: Readonly<Record<string, PredicatePolicy>>
}

/** A label on a column, or on all columns of a table or schema. Names are as in the catalog, without case folding. */
export interface LabelConfig {
  readonly schema: string
  /** '*' for all tables of the schema. */
  readonly table: string
  /** '*' for all columns. */
  readonly column: string
  /** A PHI class, or 'none': reviewed and found free of PHI. */
  readonly class: string
  /** Name of the transform that replaces the one of the class. */
  readonly transform: string | undefined
  /** Of a column of JSON documents: what their parts hold. */
  readonly document: DocumentConfig | undefined
  /** The key as written, to find its position: `['phi', 'labels', target, key]`. */
  readonly key: string
}

export interface DocumentConfig {
  readonly members: readonly MemberConfig[]
  /** What happens to members that are not listed: masked like the column, or passed. */
  readonly others: 'mask' | 'pass'
}

export interface MemberConfig {
  /** Names of the members that lead there; arrays are passed through. */
  readonly path: readonly string[]
  readonly class: string
  readonly transform: string | undefined
  /** The path as written, to find its position. */
  readonly key: string
}

export type ClearanceLevel = 'masked' | 'clear'

export interface GrantConfig {
  readonly name: string
  /**
   * access: a member of it may open a session, and may delegate what it gives. delegation: a ceiling only: whoever acts for a
   * member may have as much, the member itself gets no access.
   */
  readonly use: 'access' | 'delegation'
  /** One of them has to match. */
  readonly principals: readonly PrincipalMatch[]
  /** On whose behalf the holder has to act; undefined: for itself or for anybody. */
  readonly chain: ChainMatch | undefined
  readonly targets: readonly string[]
  /** HL7 PurposeOfUse or other words of the issuer; undefined: any, none as well. */
  readonly purposes: readonly string[] | undefined
  readonly schedule: ScheduleConfig | undefined
  /** Milliseconds since the epoch. */
  readonly notBefore: number | undefined
  readonly expires: number | undefined
  /** What may be named in statements; undefined: everything. Anything else is refused, not masked. */
  readonly relations: readonly GrantedRelation[] | undefined
  readonly budgets: readonly BudgetConfig[]
  /** Given for a time after an approved request only. */
  readonly onRequest: (ApprovalNeedConfig & { readonly maxDuration: number }) | undefined
  /** Sessions have to be bound to patients (see `Principal.patients`). */
  readonly requiresPatients: boolean
  /** Grants of one scope share their tokens: the grant's name unless given. */
  readonly tokenScope: string
  readonly clearance: {
    readonly default: ClearanceLevel
    readonly classes: Readonly<Record<string, ClearanceLevel>>
  }
}

export interface BudgetConfig {
  readonly span: BudgetSpan
  readonly unit: BudgetUnit
  readonly limit: number
}

/** Names are as in the catalog. */
export interface GrantedRelation {
  readonly schema: string
  /** '*' for all of the schema. */
  readonly table: string
  /** '*' for all. */
  readonly columns: readonly string[] | '*'
}

export type ChainMatch =
  /** Nobody: the holder acts for itself. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'onBehalfOf'
      /** One of them has to match the member with whom the chain began; empty: anybody. */
      readonly origin: readonly PrincipalMatch[]
      /** Members at most, the holder included. */
      readonly maxLength: number | undefined
    }

/** Matches when every field that is present matches. At least one of subject, group, kind and claim is present. */
export interface PrincipalMatch {
  /** Name of an issuer. */
  readonly issuer: string | undefined
  readonly subject: string | undefined
  readonly group: string | undefined
  readonly kind: PrincipalKind | undefined
  /** Claims of the token by value; a list in the token has to contain it. */
  readonly claim: Readonly<Record<string, ClaimValue>> | undefined
}

export type RuleEffect = 'refuse' | 'hold' | 'warn' | 'alert'

export interface RuleConfig {
  readonly name: string
  /** CEL, type-checked when the file was loaded. */
  readonly when: string
  readonly effect: RuleEffect
  readonly message: string | undefined
  readonly hint: string | undefined
  /** Of a rule that holds; undefined: `ApprovalsConfig.default`. */
  readonly approval: ApprovalNeedConfig | undefined
}

export interface PacksConfig {
  readonly guardrails: { readonly disable: readonly string[] }
}
