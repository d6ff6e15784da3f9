import type { Clock } from '../lib/clock.ts'
import type { TokenForm, TokenRequest } from '../phi/tokens/stand-ins.ts'
import { newToken, TOKEN_RANDOM_BYTES } from '../phi/tokens/token-text.ts'
import type { NewToken, StoredToken, TokenRepository } from './repository.ts'
import { takeRandom } from './random-supply.ts'
import type { ScopeKeys } from './scope-keys.ts'

/** Forms with so few spellings that one could come twice: those of tokens that are over are not given again. */
export const SCARCE_FORMS: readonly TokenForm[] = ['integer', 'short']

/** Each round draws a new token; when so many were taken, there are hardly any left. */
const ROUNDS = 24

/** A scope whose key has been unwrapped. */
export interface OpenScope {
  readonly id: string
  readonly keys: ScopeKeys
}

export interface IssuingOptions {
  readonly repository: TokenRepository
  readonly lifetimeMs: number
  readonly clock: Clock
  readonly mint: (form: TokenForm) => string
  /** Waits for the store, but not for ever. */
  readonly guard: <T>(work: Promise<T>) => Promise<T>
}

export interface IssuedToken {
  readonly request: TokenRequest
  readonly token: string
  /** By the clock of the options. */
  readonly expiresAt: number
}

interface Wanted {
  readonly request: TokenRequest
  readonly index: Buffer
}

/** A new token at random; whether it is taken, the store knows. */
export const mintToken = (form: TokenForm): string => newToken(form, takeRandom(TOKEN_RANDOM_BYTES))

/** What `issueBatch` has found and made. */
export interface Issued {
  readonly tokens: readonly IssuedToken[]
  /** How many of them were in the store already. */
  readonly known: number
}

/**
 * Finds the tokens of values or makes them. Requests are different from each other. Those of a scarce form that got none are
 * missing from the result. 'deleted': the scope is.
 *
 * @param looksFirst which question comes first; the one that answers most saves the other. The outcome is the same.
 */
export async function issueBatch(
  options: IssuingOptions,
  scope: OpenScope,
  requests: readonly TokenRequest[],
  looksFirst: boolean,
): Promise<Issued | 'deleted'> {
  const known: IssuedToken[] = []
  const made: IssuedToken[] = []
  let open: readonly Wanted[] = requests.map((request) => ({ request, index: scope.keys.indexOf(request) }))
  for (let round = 0; open.length > 0 && round <= ROUNDS; round++) {
    if (round > 0 || looksFirst) open = await takeStored(options, scope, open, known)
    if (open.length === 0 || round === ROUNDS) break
    const rest = await store(options, scope, open, made)
    if (rest === 'deleted') return 'deleted'
    open = rest
  }
  if (open.some(({ request }) => !SCARCE_FORMS.includes(request.form))) throw new Error('new tokens cannot be stored')
  return { tokens: [...known, ...made], known: known.length }
}

/** Takes the tokens that are in the store already, and clears those away that are over. Gives back what is left. */
async function takeStored(
  { repository, clock, guard }: IssuingOptions,
  scope: OpenScope,
  open: readonly Wanted[],
  issued: IssuedToken[],
): Promise<readonly Wanted[]> {
  const now = clock()
  const indexes = open.map(({ index }) => index)
  const stored = await guard(repository.findByIndex(scope.id, indexes))
  const byIndex = new Map(stored.map((row) => [row.index.toString('latin1'), row]))
  const over: string[] = []
  const rest = open.filter(({ request, index }) => {
    const row = byIndex.get(index.toString('latin1'))
    if (row === undefined) return true
    if (row.remainingMs <= 0) {
      over.push(row.token)
      return true
    }
    if (!isTokenOf(row, request, scope.keys)) throw new Error('a stored token does not fit its value')
    issued.push({ request, token: row.token, expiresAt: now + row.remainingMs })
    return false
  })
  if (over.length > 0) await guard(repository.retire(scope.id, over, SCARCE_FORMS))
  return rest
}

/** The index alone proves nothing: whoever can write to the store could exchange two of them. */
function isTokenOf(row: StoredToken, request: TokenRequest, keys: ScopeKeys): boolean {
  return row.phiClass === request.phiClass && row.form === request.form && keys.open(row.sealed, row) === request.value
}

/** Stores new tokens. Gives back those whose token or value was there already. */
async function store(
  { repository, lifetimeMs, clock, guard, mint }: IssuingOptions,
  scope: OpenScope,
  open: readonly Wanted[],
  issued: IssuedToken[],
): Promise<readonly Wanted[] | 'deleted'> {
  const drawn = new Map<string, Wanted>()
  const rest: Wanted[] = []
  for (const one of open) {
    const token = mint(one.request.form)
    // The same token twice in one statement could not be told apart in its answer.
    if (drawn.has(token)) rest.push(one)
    else drawn.set(token, one)
  }
  const rows = [...drawn].map(([token, { request, index }]): NewToken => {
    const { phiClass, form, value } = request
    return { phiClass, form, token, index, sealed: scope.keys.seal(value, { phiClass, form, token }) }
  })
  const now = clock()
  const added = await guard(repository.addTokens(scope.id, rows, lifetimeMs))
  if (added === 'deleted') return 'deleted'
  for (const [token, one] of drawn) {
    if (added.has(token)) issued.push({ request: one.request, token, expiresAt: now + lifetimeMs })
    else rest.push(one)
  }
  return rest
}
