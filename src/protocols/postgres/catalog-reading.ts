import type { Catalog } from '../../inspect/sql/catalog.ts'
import { ChaperoneError } from '../../lib/errors.ts'
import type { DialedTarget } from '../protocol.ts'
import { loadCatalog } from './catalog-loader.ts'
import type { FrameLimits } from './limits.ts'
import { checkTarget } from './login-checks.ts'
import { loginToTarget, POOLER } from './target-login.ts'

const PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['application_name', 'chaperone catalog reader'],
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
  ['default_transaction_read_only', 'on'],
  ['statement_timeout', '30s'],
])

const READ_TIMEOUT_MS = 60_000

/** Opens a connection of the gateway's own, runs the login checks, and reads the catalog. */
export async function readCatalog(dial: () => Promise<DialedTarget>, limits: FrameLimits): Promise<Catalog> {
  const dialed = await dial()
  // The target's own time-out comes first; this is for one that does not answer at all, or everybody would wait for it.
  const deadline = setTimeout(() => dialed.wire.stream.destroy(), READ_TIMEOUT_MS)
  try {
    const target = await loginToTarget(dialed, PARAMETERS, limits)
    const checked = await checkTarget(target, dialed.account)
    if (checked.pooled) await refuseTransactionPooling(dial, limits, checked.backendPid)
    const catalog = await loadCatalog(target.client)
    target.client.close()
    return catalog
  } catch (error) {
    dialed.wire.stream.destroy()
    throw error
  } finally {
    clearTimeout(deadline)
  }
}

/**
 * A pooler in session mode keeps one server process for a connection that is open and idle; one in transaction mode gives
 * it to the next connection that comes. So a second connection that reaches the process of the first tells them apart.
 */
async function refuseTransactionPooling(
  dial: () => Promise<DialedTarget>,
  limits: FrameLimits,
  backendPid: number,
): Promise<void> {
  const second = await dial()
  try {
    const target = await loginToTarget(second, PARAMETERS, limits)
    const checked = await checkTarget(target, second.account)
    target.client.close()
    if (checked.backendPid === backendPid) {
      throw new ChaperoneError('CHP-TARGET-REFUSED', { reason: `${POOLER}, and it pools transactions, not sessions` })
    }
  } catch (error) {
    second.wire.stream.destroy()
    throw error
  }
}
