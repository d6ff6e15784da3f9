import type { TokenAdministration } from '../api/token-routes.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import type { Journal } from '../record/journal.ts'
import type { TokenVault } from '../vault/open-vault.ts'

/** The vault as the admin API has it: what changes something is on record, durably, before it is done. */
export function recordedTokens(vault: TokenVault, journal: Journal): TokenAdministration {
  const record = durableRecords(journal)
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

interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Appends a record of an operator's action; resolves when it is durable, and rejects with CHP-RECORD-FAILED if it will not be. */
function durableRecords(journal: Journal): (what: Readonly<Record<string, string>>) => Promise<void> {
  let waiters: readonly Waiter[] = []
  journal.onCommit(() => {
    for (const { seq, resolve } of waiters) if (seq <= journal.durableSeq) resolve()
    waiters = waiters.filter(({ seq }) => seq > journal.durableSeq)
  })
  journal.onFailure((error) => {
    for (const { reject } of waiters) reject(error)
    waiters = []
  })
  return (what) =>
    new Promise((resolve, reject) => {
      const record = {
        kind: 'administration',
        session: NO_SESSION,
        op: 0,
        what: fragment(what),
        who: fragment({}),
      } as const
      waiters = [...waiters, { seq: journal.append(record), resolve, reject }]
    })
}
