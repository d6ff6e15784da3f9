import type { FuzzBed, FuzzGateway } from './bed.ts'
import { Choices } from './choices.ts'
import { type FindingKind, type FuzzReport, fuzz, judgeOnce } from './fuzzer.ts'
import { statement } from './grammar/statement.ts'
import type { Mutant } from './mutants.ts'
import { withMutant } from './mutated-tree.ts'

/** What shows PHI. */
const LEAKS: readonly FindingKind[] = ['canary', 'difference']

export interface Caught {
  readonly mutant: Mutant
  /** Undefined when it was not caught in time. */
  readonly by: FindingKind | undefined
  /** Statements that were tried. */
  readonly statements: number
}

/** Runs the fuzzer against a gateway with a defect until it finds a leak that `sound`, the gateway without it, does not have. */
export function hunt(
  bed: FuzzBed,
  mutant: Mutant,
  options: { seed: number; seconds: number; sound: FuzzGateway },
): Promise<Caught> {
  return withMutant(mutant, async (root) => {
    const gateway = await bed.startGateway(root)
    const { seed, seconds, sound } = options
    let report: FuzzReport
    try {
      report = await fuzz(bed, gateway, { seed, seconds, until: LEAKS })
    } finally {
      await gateway.stop()
    }
    const { statements } = report
    for (const { choices, finding } of report.findings) {
      if (!LEAKS.includes(finding.kind)) continue
      const again = await judgeOnce(bed, sound, statement(Choices.replayed(choices)))
      if (again === undefined) return { mutant, by: finding.kind, statements }
    }
    return { mutant, by: undefined, statements }
  })
}
