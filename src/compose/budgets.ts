import { Ledger } from '../budget/ledger.ts'
import type { AlertsConfig } from '../config/alerts-config.ts'
import type { DoormanOptions } from '../session/doorman.ts'
import { sessionLimits } from '../session/session-meters.ts'
import { budgetRepository } from '../store/budget-repository.ts'
import type { Store } from '../store/open-store.ts'
import { reasonOf } from '../store/store-failure.ts'
import type { Log } from './log.ts'

export interface OpenedBudgets {
  readonly limits: NonNullable<DoormanOptions['limits']>
  close(): Promise<void>
}

const SWEEP_MS = 3_600_000

/** What is counted of sessions. Without a store there are no budgets beyond those of a session. */
export function openBudgets(store: Store | undefined, alerts: AlertsConfig, log: Log): OpenedBudgets {
  if (store === undefined) {
    const ledger = new Ledger()
    return {
      limits: sessionLimits({ ledger, digestKey: undefined, tellsPatients: false }),
      close: () => ledger.close(),
    }
  }
  const repository = budgetRepository(store)
  const ledger = new Ledger(repository)
  const timer = setInterval(() => {
    repository.sweep().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'old counts were not deleted'))
  }, SWEEP_MS).unref()
  return {
    limits: sessionLimits({ ledger, digestKey: () => repository.digestKey(), tellsPatients: alerts.firstAccess }),
    close: async () => {
      clearInterval(timer)
      await ledger.close()
    },
  }
}
