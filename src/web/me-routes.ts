import { z } from 'zod'
import { memberKey } from '../identity/principal.ts'
import { MemberSchema } from './approval-schemas.ts'
import { type Route, route } from './route.ts'
import type { ApprovalService } from './web-services.ts'

const MeSchema = z
  .object({
    ...MemberSchema.shape,
    groups: z.array(z.string()),
    onBehalfOf: z.array(z.string()).describe('issuer/subject, the nearest delegator first'),
    purpose: z.string().optional(),
    run: z.string().optional(),
    patients: z.number().optional().describe('how many patients the run is bound to'),
    pools: z.array(z.string()).describe('of approvers'),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'Me' })

/** Whom the gateway takes the caller for. */
export const meRoutes = (approvals: Pick<ApprovalService, 'poolsOf'> | undefined): readonly Route[] => [
  route({
    operation: 'showMe',
    method: 'GET',
    path: '/v1/me',
    summary: 'Whom the gateway takes the caller for.',
    answer: { status: 200, schema: MeSchema },
    handle: ({ caller: { identity } }) => {
      const { issuer, subject, kind, name, groups, onBehalfOf = [], purpose, run, patients } = identity.principal
      return {
        issuer,
        subject,
        kind,
        name,
        groups: [...groups],
        onBehalfOf: onBehalfOf.map(memberKey),
        purpose,
        run,
        patients: patients?.length,
        pools: [...(approvals?.poolsOf(identity.principal) ?? [])].toSorted(),
        expiresAt: new Date(identity.expiresAt).toISOString(),
      }
    },
  }),
]
