import { canonicalJson } from '../lib/canonical-json.ts'
import type { ApprovalRequest } from './approval-request.ts'
import type { StoredRequest } from './approval-repository.ts'
import type { Sealing } from './sealing.ts'

const REQUEST = 'request'
const EXACT = 'exact'

/** The request as it is stored. What it is found by stands beside it in clear, and is compared when it is opened. */
export function sealRequest(
  request: ApprovalRequest,
  seal: Sealing,
  more: Pick<StoredRequest, 'exact' | 'isTold'>,
): StoredRequest {
  return {
    ...projection(request),
    isTold: more.isTold,
    // Nobody previews what is decided.
    exact: request.state === 'pending' ? more.exact : undefined,
    sealed: seal.seal(canonicalJson(request), REQUEST, request.id),
  }
}

export const sealExact = (exact: string, id: string, seal: Sealing): Buffer => seal.seal(exact, EXACT, id)

export const openExact = (sealed: Buffer, id: string, seal: Sealing): string | undefined => seal.open(sealed, EXACT, id)

/**
 * Undefined for what this gateway has not sealed, and for a row that says something else than what is sealed in it: somebody has
 * changed it in the store.
 */
export function openRequest(stored: StoredRequest, seal: Sealing): ApprovalRequest | undefined {
  const text = seal.open(stored.sealed, REQUEST, stored.id)
  if (text === undefined) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- authenticated: it is what `sealRequest` has written
  const request = JSON.parse(text) as ApprovalRequest
  const { sealed: _, exact: __, isTold: ___, ...clear } = stored
  return canonicalJson(clear) === canonicalJson(projection(request)) ? request : undefined
}

function projection(request: ApprovalRequest): Omit<StoredRequest, 'sealed' | 'exact' | 'isTold'> {
  const { id, digest, subject, chainKey, chain, needs, state, createdAt, expiresAt } = request
  return {
    id,
    digest,
    kind: subject.kind,
    chain: chainKey,
    members: chain.map((member) => `${member.issuer}/${member.subject}`),
    pools: [...new Set(needs.flatMap(({ pools }) => pools))].toSorted(),
    state,
    createdAt,
    expiresAt,
  }
}
