import { z } from 'zod'

const Time = z.iso.datetime().describe('RFC 3339, UTC')

export const MemberSchema = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    kind: z.enum(['human', 'agent', 'service']),
    name: z.string().optional(),
  })
  .meta({ id: 'Member', description: 'Somebody in a chain of delegation.' })

const OperationSubject = z
  .object({
    kind: z.literal('operation'),
    target: z.string(),
    protocol: z.string(),
    statement: z.string().describe('without its literals'),
    commands: z.array(z.string()),
    effects: z.array(z.string()),
    relations: z.array(z.string()).describe('action schema.name'),
    classes: z.array(z.string()).describe('classes of PHI that are touched'),
    parameters: z.number(),
    estimatedRows: z.number().optional().describe('of the planner; absent: it could not be asked'),
    reasons: z.array(z.object({ rule: z.string(), message: z.string() })),
    hasPreview: z.boolean(),
  })
  .meta({ id: 'Operation' })

const AccessSubject = z
  .object({
    kind: z.literal('access'),
    grant: z.string(),
    targets: z.array(z.string()),
    clearance: z.string(),
    durationSeconds: z.number(),
    justification: z.string(),
  })
  .meta({ id: 'Access' })

const PolicySubject = z
  .object({ kind: z.literal('policy'), version: z.string(), active: z.string(), diff: z.array(z.string()) })
  .meta({ id: 'PolicyVersion' })

export const VerdictSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('approve-once') }),
    z.strictObject({ kind: z.literal('approve-timed'), minutes: z.int().min(1).max(1_000_000) }),
    z.strictObject({ kind: z.literal('refuse') }),
  ])
  .meta({ id: 'Verdict' })

export const STATES = ['pending', 'approved', 'refused', 'expired', 'withdrawn', 'used'] as const

export const RequestSchema = z
  .object({
    id: z.string(),
    state: z.enum(STATES),
    url: z.string().describe('where people decide about it'),
    createdAt: Time,
    expiresAt: Time.describe('undecided until then it expires; an approval ends then'),
    holds: z.enum(['once', 'timed']).optional(),
    subject: z.discriminatedUnion('kind', [OperationSubject, AccessSubject, PolicySubject]),
    chain: z.array(MemberSchema).describe('the current actor first, the origin last'),
    purpose: z.string().optional(),
    run: z.string().optional(),
    session: z.string().optional(),
    needs: z.array(z.object({ rule: z.string(), pools: z.array(z.string()), quorum: z.number() })),
    decisions: z.array(
      z.object({
        by: MemberSchema,
        verdict: VerdictSchema,
        rationale: z.string(),
        at: Time,
        stepUp: z.enum(['passkey', 'token-only']),
      }),
    ),
    mayDecide: z.boolean().describe('whether the caller may decide about it now'),
    whyNot: z.string().optional(),
    stepUp: z.enum(['passkey', 'tokenOnlyWithoutPasskey']).describe('what the caller has to show to decide'),
  })
  .meta({ id: 'Request', description: 'A request to people. Free of PHI but for what people typed.' })

export type RequestView = z.input<typeof RequestSchema>

/** The desk asks for three characters at least that are no blanks. */
const Rationale = z.string().min(3).max(2000).describe('why; required for each decision')

/** WebAuthn Level 3, section 5.1: what PublicKeyCredential.toJSON() gives. The passkey service verifies what is in it. */
const credential = <Response extends z.ZodRawShape>(response: Response) =>
  z.object({
    id: z.string().max(2048),
    rawId: z.string().max(2048),
    type: z.literal('public-key'),
    authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
    clientExtensionResults: z.object({}).default({}),
    response: z.object(response),
  })

const Base64Url = z
  .string()
  .max(32_768)
  .regex(/^[\w-]*$/)

export const AssertionSchema = credential({
  clientDataJSON: Base64Url,
  authenticatorData: Base64Url,
  signature: Base64Url,
  userHandle: Base64Url.optional(),
}).meta({ id: 'Assertion' })

export const AttestationSchema = credential({
  clientDataJSON: Base64Url,
  attestationObject: Base64Url,
  transports: z
    .array(z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']))
    .max(10)
    .optional(),
}).meta({ id: 'Attestation' })

export const OpinionSchema = z.strictObject({ verdict: VerdictSchema, rationale: Rationale }).meta({ id: 'Opinion' })

export const DecisionSchema = z
  .strictObject({
    verdict: VerdictSchema,
    rationale: Rationale,
    assertion: AssertionSchema.optional().describe('of a passkey, over the challenge for this very decision'),
  })
  .meta({ id: 'Decision' })

/** Options of a ceremony are for the browser; it reads them with parseRequestOptionsFromJSON and the like. */
export const OptionsSchema = z.looseObject({ challenge: z.string() })

export const PreviewSchema = z
  .object({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.string().nullable())),
    total: z.number(),
    totalIsExact: z.boolean(),
  })
  .meta({ id: 'Preview', description: 'The rows that would be touched, masked for who asks.' })

export const IdSchema = z.object({ id: z.string().regex(/^[A-Za-z0-9_-]{1,80}$/) })
