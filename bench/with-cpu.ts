import type { Leg } from './leg.ts'
import type { Sample } from './measure.ts'
import { cpuSeconds } from './process-usage.ts'

/** A measurement with the processor time that the process in between has taken meanwhile. */
export async function withCpu(leg: Leg, measured: () => Promise<Sample>): Promise<Sample> {
  const before = leg.pid === undefined ? undefined : cpuSeconds(leg.pid)
  const sample = await measured()
  const after = leg.pid === undefined ? undefined : cpuSeconds(leg.pid)
  if (before === undefined || after === undefined) return sample
  return { ...sample, details: { ...sample.details, cpuSeconds: after - before } }
}
