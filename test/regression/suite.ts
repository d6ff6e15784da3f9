/** What a suite is given to run with. */
export interface SuiteContext {
  /** Archives and programs from registries; kept between runs, never part of the repository. */
  readonly cache: string
  /** Of this run and this suite alone; outputs are left here. */
  readonly work: string
  /** Tests to run; all when empty. */
  readonly only: readonly string[]
  /** Nothing is fetched: what is not in the cache is missing. */
  readonly offline: boolean
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** One test of a suite, run both ways. */
export interface CaseRun {
  readonly test: string
  /** How it went straight to the server: 'passed', 'failed', 'skipped', or 'ran' where only output is compared. */
  readonly direct: string
  readonly gateway: string
  /** Places where the two runs differ; 0 when they agree. */
  readonly differences: number
  /** Those places, for people. */
  readonly detail: string
}

export interface SuiteRun {
  readonly cases: readonly CaseRun[]
  /** What a reader of the numbers has to know, such as versions. */
  readonly notes: readonly string[]
}

export interface Suite {
  readonly name: string
  readonly what: string
  /** Throws Unavailable, with the reason, when it cannot run here. */
  readonly run: (context: SuiteContext) => Promise<SuiteRun>
}

export type TestOutcome = 'passed' | 'failed' | 'skipped'

/** Joins the outcomes of the two runs, by name. A test that one run does not have is 'missing' there. */
export function compareOutcomes(
  direct: ReadonlyMap<string, TestOutcome>,
  gateway: ReadonlyMap<string, TestOutcome>,
): readonly CaseRun[] {
  return [...new Set([...direct.keys(), ...gateway.keys()])].toSorted().map((test) => {
    const [one, two] = [direct.get(test) ?? 'missing', gateway.get(test) ?? 'missing']
    const differs = one !== two
    return {
      test,
      direct: one,
      gateway: two,
      differences: differs ? 1 : 0,
      detail: differs ? `directly ${one}, through the gateway ${two}` : '',
    }
  })
}
