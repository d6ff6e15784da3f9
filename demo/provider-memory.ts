type Payload = Record<string, unknown>

interface Kept {
  readonly payload: Payload
  readonly until: number
}

/** What the development identity provider keeps (sessions, codes, refresh tokens): in memory, until it stops. */
export class ProviderMemory {
  readonly #kept = new Map<string, Kept>()

  /** The storage of one kind of things, as the provider asks for it. */
  adapter = (model: string): object => ({
    upsert: async (id: string, payload: Payload, seconds?: number): Promise<void> => {
      this.#removeOver()
      const until = seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + seconds * 1000
      this.#kept.set(`${model}:${id}`, { payload, until })
    },
    find: async (id: string): Promise<Payload | undefined> => this.#find(`${model}:${id}`),
    findByUid: async (uid: string): Promise<Payload | undefined> => this.#findBy(model, 'uid', uid),
    findByUserCode: async (code: string): Promise<Payload | undefined> => this.#findBy(model, 'userCode', code),
    consume: async (id: string): Promise<void> => {
      const payload = this.#find(`${model}:${id}`)
      if (payload !== undefined) payload['consumed'] = Math.floor(Date.now() / 1000)
    },
    destroy: async (id: string): Promise<void> => void this.#kept.delete(`${model}:${id}`),
    revokeByGrantId: async (grant: string): Promise<void> => {
      for (const [key, { payload }] of this.#kept) if (payload['grantId'] === grant) this.#kept.delete(key)
    },
  })

  #find(key: string): Payload | undefined {
    const kept = this.#kept.get(key)
    return kept === undefined || kept.until <= Date.now() ? undefined : kept.payload
  }

  #findBy(model: string, member: string, value: string): Payload | undefined {
    for (const [key, { payload }] of this.#kept) {
      if (key.startsWith(`${model}:`) && payload[member] === value) return this.#find(key)
    }
    return undefined
  }

  #removeOver(): void {
    for (const [key, { until }] of this.#kept) if (until <= Date.now()) this.#kept.delete(key)
  }
}
