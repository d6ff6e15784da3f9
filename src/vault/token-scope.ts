import type { PhiClass } from '../phi/classes.ts'
import type { TokenForm, TokenReference, TokenRequest } from '../phi/tokens/stand-ins.ts'

/** Who shares tokens: the same value has the same token for those, and no other session can make anything of it. */
export interface ScopeKey {
  /** Of principals: the `tokenScope` of their grants. */
  readonly group: string
  /** Of use, as the identity names it; empty when it names none. */
  readonly purpose: string
  readonly target: string
}

/** The tokens of one scope. */
export interface TokenScope {
  /** The token, if it is known without asking the store. */
  find(request: TokenRequest): string | undefined
  /** The same for one class and form: a look-up by the value and no more, for as long as the scope is used. */
  finder(phiClass: PhiClass, form: TokenForm): (value: string) => string | undefined
  /**
   * Tokens for all of them, in order, known to every gateway and durable when this resolves. Undefined for one whose form has
   * no free tokens left. Rejects with CHP-VAULT-UNAVAILABLE.
   */
  issue(wanted: readonly TokenRequest[]): Promise<readonly (string | undefined)[]>
  /**
   * What the tokens stand for, in order, in the canonical spelling of the value's form: undefined for one that was never issued in this scope for
   * that class, or has expired. Synchronous when all are known. Rejects with CHP-VAULT-UNAVAILABLE.
   */
  resolve(tokens: readonly TokenReference[]): readonly (string | undefined)[] | Promise<readonly (string | undefined)[]>
}

/** Where sessions get their scope. */
export interface Vault {
  /** Nothing is asked of the store yet. */
  scope(key: ScopeKey): TokenScope
  close(): Promise<void>
}
