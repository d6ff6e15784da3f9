/**
 * A process that issues tokens for values that others issue tokens for as well, and tells each one that it was given:
 * what it has told counts as released. Runs until it is killed.
 *
 *   node vault-worker.ts '{"location": …, "seed": 1}'
 */
import { openStore } from '../../src/store/open-store.ts'
import { tokenRepository } from '../../src/store/token-repository.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { parseJob, requestOf, SCOPES, VALUES } from './vault-job.ts'

const job = parseJob(process.argv[2] ?? '')
const store = openStore({
  location: { ...job.location, kind: 'server', ssl: false, password: () => Promise.resolve(job.password) },
  maxConnections: 3,
})
const vault = openVault({
  repository: tokenRepository(store),
  key: Buffer.from(job.key, 'hex'),
  lifetimeMs: 86_400_000,
  // Small, so that the store is asked again and again.
  cacheBytes: 20_000,
})

let state = job.seed

/** A linear congruential generator: the same run again for the same seed. */
function random(below: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}

for (;;) {
  const scope = random(SCOPES.length)
  const values = Array.from({ length: 1 + random(60) }, () => random(VALUES))
  const key = SCOPES[scope]
  if (key === undefined) throw new RangeError('there is no such scope')
  try {
    const tokens = await vault.scope(key).issue(values.map(requestOf))
    const lines = tokens.map((token, i) => `${scope} ${values[i]} ${token ?? 'none'}\n`)
    process.stdout.write(lines.join(''))
  } catch (error) {
    process.stdout.write(`failed ${error instanceof Error && 'code' in error ? String(error.code) : 'otherwise'}\n`)
  }
}
