import type { RequestView } from './approval-schemas.ts'
import { canDecideAtAll, isOfChain } from './approval-view.ts'
import type { Html } from './page/html.ts'
import type { Section } from './page/layout.ts'
import { accessPage, passkeysPage } from './page/other-pages.ts'
import { requestPage } from './page/request-page.ts'
import { requestsPage } from './page/requests-page.ts'
import type { Caller } from './route.ts'
import type { WebApprovals } from './web-approvals.ts'
import type { AccessService } from './web-services.ts'

export interface Shown {
  readonly title: string
  readonly section: Section
  readonly body: Html
}

export interface PageRoute {
  readonly path: string
  readonly show: (caller: Caller, parameters: Readonly<Record<string, string>>) => Promise<Shown>
}

const MAX_LISTED = 100
/** As long as the passkey service takes a sign-in for fresh, less the time to fill in a form. */
const FRESH_MS = 4 * 60_000

/** The pages of somebody who has signed in. */
export const pageRoutes = (
  approvals: WebApprovals,
  access: AccessService | undefined,
  clock: () => number,
): readonly PageRoute[] => [
  {
    path: '/approvals',
    show: async (caller) => ({
      title: 'Requests',
      section: 'approvals',
      body: requestsPage(await approvals.list(caller, { limit: MAX_LISTED }), approvals.person(caller).pools.size > 0),
    }),
  },
  {
    path: '/approvals/:id',
    show: async (caller, { id = '' }) => {
      const request = await approvals.show(caller, id)
      const { member } = approvals.person(caller)
      const hasPasskey = (await approvals.service.passkeys.list(member)).length > 0
      const isOwn = isOfChain(request, member)
      const { maxMinutes } = approvals.service
      return { title: request.id, section: 'approvals', body: requestPage({ request, maxMinutes, hasPasskey, isOwn }) }
    },
  },
  {
    path: '/passkeys',
    show: async (caller) => {
      const passkeys = await approvals.service.passkeys.list(approvals.person(caller).member)
      const { authenticatedAt } = caller
      const isFresh = authenticatedAt !== undefined && clock() - authenticatedAt < FRESH_MS
      return { title: 'Passkeys', section: 'passkeys', body: passkeysPage(passkeys, passkeys.length > 0 || isFresh) }
    },
  },
  {
    path: '/access',
    show: async (caller) => {
      const own: RequestView[] = await approvals.listOwn(caller, { limit: MAX_LISTED })
      const requests = own.filter(({ subject }) => subject.kind === 'access')
      const grants = access?.requestable(caller.identity.principal) ?? []
      return { title: 'Access', section: 'access', body: accessPage(grants, requests) }
    },
  },
]

/** Where a sign-in may lead back to: a page of these, and nothing else. */
export const safeReturn = (to: unknown): string =>
  typeof to === 'string' && /^\/(?:approvals(?:\/[\w-]{1,80})?|passkeys|access)$/.test(to) ? to : '/approvals'

/** Whether a browser may have pages: they are for people who act for themselves. */
export const mayHavePages = ({ principal }: Caller['identity']): boolean =>
  canDecideAtAll({
    member: { issuer: principal.issuer, subject: principal.subject, kind: principal.kind },
    isDelegated: principal.onBehalfOf !== undefined && principal.onBehalfOf.length > 0,
    pools: new Set(),
  })
