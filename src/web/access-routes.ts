import { z } from 'zod'
import { RequestSchema, STATES } from './approval-schemas.ts'
import { type Route, route } from './route.ts'
import type { WebApprovals } from './web-approvals.ts'
import type { AccessService, RequestableGrant } from './web-services.ts'

export const GrantSchema = z
  .object({
    name: z.string(),
    targets: z.array(z.string()),
    clearance: z.string(),
    maxDurationSeconds: z.number(),
  })
  .meta({ id: 'RequestableGrant' })

const grantView = ({ name, targets, clearance, maxDurationMs }: RequestableGrant): z.input<typeof GrantSchema> => ({
  name,
  targets: [...targets],
  clearance,
  maxDurationSeconds: Math.floor(maxDurationMs / 1000),
})

const MAX_OWN = 200

/** Time-boxed access on request: asked for by anybody whose chain a grant names, decided like an operation. */
export const accessRoutes = (access: AccessService, approvals: WebApprovals): readonly Route[] => [
  route({
    operation: 'listRequestableGrants',
    method: 'GET',
    path: '/v1/requestable-grants',
    summary: 'Grants that the caller may ask for.',
    answer: { status: 200, schema: z.object({ grants: z.array(GrantSchema) }) },
    handle: ({ caller }) => ({ grants: access.requestable(caller.identity.principal).map(grantView) }),
  }),
  route({
    operation: 'requestAccess',
    method: 'POST',
    path: '/v1/access-requests',
    summary: 'Asks for a grant for a time.',
    body: z.strictObject({
      grant: z.string().min(1).max(200),
      durationSeconds: z
        .int()
        .min(60)
        .max(366 * 24 * 3600),
      justification: z.string().trim().min(3).max(2000),
    }),
    answer: { status: 201, schema: RequestSchema },
    handle: async ({ caller, body: { grant, durationSeconds, justification } }) => {
      const wanted = { grant, durationMs: durationSeconds * 1000, justification }
      return approvals.made(caller, await access.request(caller.identity.principal, wanted))
    },
  }),
  route({
    operation: 'listAccessRequests',
    method: 'GET',
    path: '/v1/access-requests',
    summary: "The caller's own requests for access, newest first.",
    query: z.strictObject({ state: z.enum(STATES).optional() }),
    answer: { status: 200, schema: z.object({ requests: z.array(RequestSchema) }) },
    handle: async ({ caller, query: { state } }) => {
      const found = await approvals.listOwn(caller, { limit: MAX_OWN, ...(state === undefined ? {} : { state }) })
      return { requests: found.filter(({ subject }) => subject.kind === 'access') }
    },
  }),
]
