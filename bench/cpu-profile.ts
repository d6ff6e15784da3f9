import { z } from 'zod'

const PROFILE = z.object({
  nodes: z.array(
    z.object({
      id: z.number(),
      // Lines count from 0; -1 for what is no script.
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
      children: z.array(z.number()).optional(),
      positionTicks: z.array(z.object({ line: z.number(), ticks: z.number() })).optional(),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

/** What V8 writes with --cpu-prof (Chrome DevTools Protocol, Profiler.Profile); times in microseconds. */
export type CpuProfile = z.infer<typeof PROFILE>

type ProfileNode = CpuProfile['nodes'][number]

export function parseCpuProfile(text: string): CpuProfile {
  return PROFILE.parse(JSON.parse(text))
}

export interface FunctionTime {
  readonly name: string
  /** File and line of the function, relative to the repository where it is ours. */
  readonly place: string
  /** For what is not ours: the function of ours that it was called by, directly or not. */
  readonly via: string
  readonly ms: number
  /** Line with the most samples within it, over the whole profile. */
  readonly hottestLine: number | undefined
}

/** Time that functions spent in themselves between two moments of the profiler's clock, the most expensive first. */
export function selfTimes(
  profile: CpuProfile,
  from: number,
  to: number,
): { readonly functions: readonly FunctionTime[]; readonly totalMs: number } {
  const times = new Map<number, number>()
  let [at, total] = [profile.startTime, 0]
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0
    at += delta
    if (at < from || at > to) continue
    times.set(id, (times.get(id) ?? 0) + delta)
    total += delta
  }
  const callers = callersOf(profile)
  const functions = new Map<
    string,
    Omit<FunctionTime, 'ms' | 'hottestLine'> & { us: number; lines: Map<number, number> }
  >()
  for (const node of profile.nodes) {
    const { id, callFrame, positionTicks } = node
    const us = times.get(id)
    if (us === undefined) continue
    const name = nameOf(node)
    const place = placeOf(callFrame)
    const via = OURS.test(place) ? '' : ourCaller(node, callers)
    const key = `${name} ${place} ${via}`
    const known = functions.get(key) ?? { name, place, via, us: 0, lines: new Map<number, number>() }
    known.us += us
    for (const { line, ticks } of positionTicks ?? []) known.lines.set(line, (known.lines.get(line) ?? 0) + ticks)
    functions.set(key, known)
  }
  return {
    totalMs: total / 1000,
    functions: [...functions.values()]
      .toSorted((a, b) => b.us - a.us)
      .map(({ name, place, via, us, lines }) => ({
        name,
        place,
        via,
        ms: us / 1000,
        hottestLine: [...lines].toSorted((a, b) => b[1] - a[1])[0]?.[0],
      })),
  }
}

const OURS = /^(?:src|cli)\//

const nameOf = ({ callFrame }: ProfileNode): string => callFrame.functionName || '(anonymous)'

function callersOf(profile: CpuProfile): ReadonlyMap<number, ProfileNode> {
  return new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)))
}

function ourCaller(node: ProfileNode, callers: ReadonlyMap<number, ProfileNode>): string {
  for (let at = callers.get(node.id); at !== undefined; at = callers.get(at.id)) {
    const place = placeOf(at.callFrame)
    if (OURS.test(place)) return `${nameOf(at)} ${place}`
  }
  return ''
}

function placeOf({ url, lineNumber }: ProfileNode['callFrame']): string {
  if (url === '') return ''
  const short = /\/((?:src|cli|node_modules)\/.*)$/.exec(url)?.[1] ?? url
  return `${short}:${lineNumber + 1}`
}
