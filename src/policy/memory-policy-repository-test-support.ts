import type { ActivatedGrant } from '../decide/decision.ts'
import type {
  GivenGrant,
  NewActivation,
  PolicyActivation,
  PolicyRepository,
  PolicyVersion,
} from './policy-repository.ts'

/** What the store would keep, for tests of what is made of it. */
export class MemoryPolicyRepository implements PolicyRepository {
  readonly #versions = new Map<string, PolicyVersion>()
  readonly #activations: PolicyActivation[] = []
  readonly #given = new Map<string, GivenGrant>()
  #changes = 0
  /** Set: everything rejects. */
  isDown = false
  /** For how long what was to be forgotten had to be over, each time. */
  readonly forgotten: number[] = []

  async add(version: Omit<PolicyVersion, 'createdAt'>): Promise<void> {
    await this.#reached()
    if (!this.#versions.has(version.version)) this.#versions.set(version.version, { ...version, createdAt: 1 })
  }

  async get(version: string): Promise<PolicyVersion | undefined> {
    await this.#reached()
    return this.#versions.get(version)
  }

  async list(limit: number): Promise<readonly PolicyVersion[]> {
    await this.#reached()
    return [...this.#versions.values()].toReversed().slice(0, limit)
  }

  async activations(limit: number): Promise<readonly PolicyActivation[]> {
    await this.#reached()
    return this.#activations.toReversed().slice(0, limit)
  }

  async activate({ from, ...activation }: NewActivation): Promise<boolean> {
    await this.#reached()
    const { request } = activation
    if (request !== undefined && this.#activations.some((one) => one.request === request)) return true
    if (this.#activations.at(-1)?.version !== from) return false
    this.#activations.push({ ...activation, at: 1 })
    this.#changes++
    return true
  }

  async give(grant: GivenGrant): Promise<void> {
    await this.#reached()
    if (!this.#given.has(grant.request)) this.#changes++
    this.#given.set(grant.request, this.#given.get(grant.request) ?? grant)
  }

  async given(): Promise<readonly ActivatedGrant[]> {
    await this.#reached()
    return [...this.#given.values()].map(({ chain, grant, digest, until }) => ({ chain, grant, digest, until }))
  }

  async forgetGiven(endedForMs: number): Promise<void> {
    await this.#reached()
    this.forgotten.push(endedForMs)
  }

  async change(): Promise<string> {
    await this.#reached()
    return String(this.#changes)
  }

  #reached(): Promise<void> {
    return this.isDown ? Promise.reject(new Error('down')) : Promise.resolve()
  }
}
