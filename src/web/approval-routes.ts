import type { AuthenticationResponseJSON } from '@simplewebauthn/server'
import { z } from 'zod'
import type { ShownPasskey } from '../approve/passkeys.ts'
import {
  AssertionSchema,
  AttestationSchema,
  DecisionSchema,
  IdSchema,
  OpinionSchema,
  OptionsSchema,
  PreviewSchema,
  RequestSchema,
  STATES,
} from './approval-schemas.ts'
import { type Route, route } from './route.ts'
import type { WebApprovals } from './web-approvals.ts'

const MAX_LISTED = 200

/** Requests and decisions. */
export const approvalRoutes = (approvals: WebApprovals): readonly Route[] => [
  route({
    operation: 'listApprovals',
    method: 'GET',
    path: '/v1/approvals',
    summary: 'Requests that the caller may see, newest first: their own, and those that their pools decide about.',
    query: z.strictObject({
      state: z.enum(STATES).optional(),
      limit: z.coerce.number().int().min(1).max(MAX_LISTED).default(50),
    }),
    answer: { status: 200, schema: z.object({ requests: z.array(RequestSchema) }) },
    handle: async ({ caller, query: { state, limit } }) => ({
      requests: await approvals.list(caller, { limit, ...(state === undefined ? {} : { state }) }),
    }),
  }),
  route({
    operation: 'showApproval',
    method: 'GET',
    path: '/v1/approvals/:id',
    summary: 'One request.',
    params: IdSchema,
    answer: { status: 200, schema: RequestSchema },
    handle: ({ caller, params: { id } }) => approvals.show(caller, id),
  }),
  route({
    operation: 'previewApproval',
    method: 'POST',
    path: '/v1/approvals/:id/preview',
    summary: 'Reads, without changing anything, the rows that a held write would touch; masked for the caller.',
    params: IdSchema,
    answer: { status: 200, schema: PreviewSchema },
    handle: async ({ caller, params: { id } }) => {
      const { columns, rows, ...counted } = await approvals.preview(caller, id)
      return { columns: [...columns], rows: rows.map((row) => [...row]), ...counted }
    },
  }),
  route({
    operation: 'challengeApproval',
    method: 'POST',
    path: '/v1/approvals/:id/challenge',
    summary: 'What a passkey of the caller has to sign for this very decision; good once, for five minutes.',
    params: IdSchema,
    body: OpinionSchema,
    answer: { status: 200, schema: OptionsSchema },
    handle: async ({ caller, params: { id }, body }) => ({ ...(await approvals.challenge(caller, id, body)) }),
  }),
  route({
    operation: 'decideApproval',
    method: 'POST',
    path: '/v1/approvals/:id/decision',
    summary: 'Approves once, approves this exact operation for a time, or refuses. For people only.',
    params: IdSchema,
    body: DecisionSchema,
    answer: { status: 200, schema: RequestSchema },
    handle: ({ caller, params: { id }, body: { assertion, ...opinion } }) =>
      approvals.decide(caller, id, opinion, assertion === undefined ? undefined : asserted(assertion)),
  }),
  route({
    operation: 'withdrawApproval',
    method: 'POST',
    path: '/v1/approvals/:id/withdrawal',
    summary: 'Takes a pending request back; for members of its chain.',
    params: IdSchema,
    answer: { status: 200, schema: RequestSchema },
    handle: ({ caller, params: { id } }) => approvals.withdraw(caller, id),
  }),
  ...passkeyRoutes(approvals),
]

const PasskeySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().optional(),
  })
  .meta({ id: 'Passkey' })

const shown = ({ id, name, createdAt, lastUsedAt }: ShownPasskey): z.input<typeof PasskeySchema> => ({
  id,
  name,
  createdAt: new Date(createdAt).toISOString(),
  lastUsedAt: lastUsedAt === undefined ? undefined : new Date(lastUsedAt).toISOString(),
})

const passkeyRoutes = (approvals: WebApprovals): readonly Route[] => [
  route({
    operation: 'listPasskeys',
    method: 'GET',
    path: '/v1/passkeys',
    summary: "The caller's passkeys.",
    answer: { status: 200, schema: z.object({ passkeys: z.array(PasskeySchema) }) },
    handle: async ({ caller }) => {
      const found = await approvals.service.passkeys.list(approvals.person(caller).member)
      return { passkeys: found.map(shown) }
    },
  }),
  route({
    operation: 'beginPasskey',
    method: 'POST',
    path: '/v1/passkeys/challenge',
    summary:
      'Begins the registration of a passkey. The first one needs a sign-in of the last minutes, others an existing passkey.',
    answer: { status: 200, schema: z.object({ creation: OptionsSchema, proof: OptionsSchema.optional() }) },
    handle: async ({ caller }) => {
      const { member } = approvals.person(caller)
      const { creation, proof } = await approvals.service.passkeys.beginRegistration(member, caller.authenticatedAt)
      return { creation: { ...creation }, proof: proof === undefined ? undefined : { ...proof } }
    },
  }),
  route({
    operation: 'addPasskey',
    method: 'POST',
    path: '/v1/passkeys',
    summary: 'Ends the registration of a passkey.',
    body: z.strictObject({
      name: z.string().trim().min(1).max(60),
      attestation: AttestationSchema,
      proof: AssertionSchema.optional(),
    }),
    answer: { status: 201, schema: PasskeySchema },
    handle: async ({ caller, body: { name, attestation, proof } }) => {
      const { member } = approvals.person(caller)
      const { transports, ...response } = attestation.response
      const added = await approvals.service.passkeys.finishRegistration(member, {
        name,
        attestation: {
          ...credentialOf(attestation),
          response: { ...response, ...(transports === undefined ? {} : { transports }) },
        },
        proof: proof === undefined ? undefined : asserted(proof),
      })
      return shown(added)
    },
  }),
]

type Assertion = z.output<typeof AssertionSchema>

/** The types of the library know no member that is there and undefined. */
const credentialOf = ({ id, rawId, type, clientExtensionResults }: Assertion | z.output<typeof AttestationSchema>) => ({
  id,
  rawId,
  type,
  clientExtensionResults,
})

function asserted(assertion: Assertion): AuthenticationResponseJSON {
  const { userHandle, ...response } = assertion.response
  return { ...credentialOf(assertion), response: { ...response, ...(userHandle === undefined ? {} : { userHandle }) } }
}
