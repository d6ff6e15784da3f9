import type { FuzzBed, FuzzGateway } from './bed.ts'
import { type FindingKind, type FuzzReport, fuzz, judgeOnce } from './fuzzer.ts'
import type { Mutant } from './mutants.ts'
import { withMutant } from './mutated-tree.ts'

/** What shows PHI. */
const LEAKS: readonly FindingKind[] = ['canary', 'difference']
/** With tokens also what harms it. */
const HARM: readonly FindingKind[] = [...LEAKS, 'stored', 'damage']

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
  options: { seed: number; seconds: number; statements: number; sound: FuzzGateway },
): Promise<Caught> {
  return withMutant(mutant, async (root) => {
    const tokens = mutant.tokens === true
    const wanted = tokens ? HARM : LEAKS
    const gateway = await bed.startGateway(root, tokens)
    const { sound, ...limits } = options
    let report: FuzzReport
    try {
      report = await fuzz(bed, gateway, { ...limits, until: wanted })
    } finally {
      await gateway.stop()
    }
    const { statements } = report
    for (const { finding } of report.findings) {
      if (!wanted.includes(finding.kind)) continue
      const again = await judgeOnce(bed, sound, finding.statement)
      if (again === undefined) return { mutant, by: finding.kind, statements }
    }
    return { mutant, by: undefined, statements }
  })
}
