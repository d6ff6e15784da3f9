import type { TokenAdministration } from '../api/token-routes.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import type { TokenVault } from '../vault/open-vault.ts'
import type { DurableAppend } from './durable-records.ts'

/** Resolves when the action is on record, durably; rejects with CHP-RECORD-FAILED if it will not be. */
export type RecordAction = (
  what: Readonly<Record<string, string>>,
  /** What people have written, for the encrypted body. */
  written?: Readonly<Record<string, string>>,
) => Promise<void>

/** Records of what operators do, and of what is done for them. */
export const actionRecords =
  (append: DurableAppend): RecordAction =>
  (what, written) =>
    append(
      { kind: 'administration', session: NO_SESSION, op: 0, what: fragment(what), who: fragment({}) },
      written === undefined ? '' : canonicalJson(written),
    )

/** The vault as the admin API has it: what changes something is on record, durably, before it is done. */
export function recordedTokens(vault: TokenVault, record: RecordAction): TokenAdministration {
  return {
    status: () => vault.status(),
    deleteScope: async (key) => {
      await record({ action: 'tokens.delete-scope', group: key.group, purpose: key.purpose, target: key.target })
      return vault.deleteScope(key)
    },
    expire: async () => {
      await record({ action: 'tokens.expire' })
      return vault.expire()
    },
    rewrap: async () => {
      await record({ action: 'tokens.rotate-key' })
      return vault.rewrap()
    },
  }
}
