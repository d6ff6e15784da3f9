import type { JournalHeader } from './format.ts'
import type { Dangling } from './verify-report.ts'

const EXAMPLES = 10

class DanglingList<Example> {
  #count = 0
  readonly #first: Example[] = []

  add(example: Example): void {
    this.#count++
    if (this.#first.length < EXAMPLES) this.#first.push(example)
  }

  with(open: Iterable<Example>): Dangling<Example> {
    const all = new DanglingList<Example>()
    for (const example of this.#first) all.add(example)
    all.#count = this.#count
    for (const example of open) all.add(example)
    return { count: all.#count, first: all.#first }
  }
}

type Intent = { readonly seq: number; readonly session: string; readonly op: number }
type Session = { readonly seq: number; readonly session: string }

/** Follows sessions and intents, so that what has no end is visible. Memory is bounded by what is open at one time. */
export class OpenWork {
  readonly #sessions = new Map<string, { readonly start: Session | undefined; readonly intents: Map<number, Intent> }>()
  readonly #intents = new DanglingList<Intent>()
  readonly #unended = new DanglingList<Session>()

  add({ kind, seq, session, op }: JournalHeader): void {
    switch (kind) {
      case 'gateway-start':
        // Nothing of an earlier process can go on.
        for (const id of this.#sessions.keys()) this.#close(id, false)
        return
      case 'session-start':
        this.#sessions.set(session, { start: { seq, session }, intents: new Map() })
        return
      case 'session-end':
        this.#close(session, true)
        return
      case 'intent': {
        const open = this.#sessions.get(session)
        if (open === undefined)
          this.#sessions.set(session, { start: undefined, intents: new Map([[op, { seq, session, op }]]) })
        else open.intents.set(op, { seq, session, op })
        return
      }
      case 'outcome':
      case 'refusal':
        this.#sessions.get(session)?.intents.delete(op)
        return
      case 'gateway-stop':
      case 'response':
      case 'transaction':
      case 'probe':
      case 'login-failure':
      case 'journal-warning':
      case 'alert':
      case 'administration':
      case 'approval':
      case 'facts':
        return
    }
  }

  get intentsWithoutOutcome(): Dangling<Intent> {
    return this.#intents.with([...this.#sessions.values()].flatMap((open) => [...open.intents.values()]))
  }

  get sessionsWithoutEnd(): Dangling<Session> {
    return this.#unended.with([...this.#sessions.values()].flatMap(({ start }) => (start === undefined ? [] : [start])))
  }

  #close(session: string, ended: boolean): void {
    const open = this.#sessions.get(session)
    if (open === undefined) return
    this.#sessions.delete(session)
    for (const intent of open.intents.values()) this.#intents.add(intent)
    if (!ended && open.start !== undefined) this.#unended.add(open.start)
  }
}
