import { table } from '../cli/terminal.ts'
import type { LeftOut } from './cases.ts'
import { LEG_TITLES, type LegName } from './leg.ts'
import type { MachineFacts } from './machine-facts.ts'
import type { CaseResult } from './run-rounds.ts'
import { ratio, type Round, type Spread, spread } from './statistics.ts'
import { judgeTargets, type TargetVerdict } from './targets.ts'

/** What one leg did in one case, over all rounds. */
export interface LegSummary {
  readonly leg: LegName
  readonly value: Spread | undefined
  readonly timesDirect: Spread | undefined
  readonly timesPgBouncer: Spread | undefined
  /** Median processor time of the process in between, in microseconds for each transaction, or seconds for each run. */
  readonly cpu: number | undefined
  readonly failure: string | undefined
}

export interface CaseSummary {
  readonly id: string
  readonly title: string
  readonly unit: string
  readonly legs: readonly LegSummary[]
}

export interface RunFacts {
  readonly runs: number
  readonly seconds: number
  readonly tls: boolean
  readonly quick: boolean
}

export interface Report {
  readonly facts: MachineFacts
  readonly run: RunFacts
  readonly leftOut: readonly LeftOut[]
  readonly cases: readonly CaseSummary[]
  readonly targets: readonly TargetVerdict[]
}

export function makeReport(
  facts: MachineFacts,
  run: RunFacts,
  leftOut: readonly LeftOut[],
  results: readonly CaseResult[],
  legs: readonly LegName[],
): Report {
  const cases = results.map((result) => summarise(result, legs))
  return { facts, run, leftOut, cases, targets: judgeTargets(cases) }
}

function summarise({ case: one, rounds, failures }: CaseResult, legs: readonly LegName[]): CaseSummary {
  const values: readonly Round[] = rounds.map((round) =>
    Object.fromEntries(Object.entries(round).map(([leg, sample]) => [leg, sample.value])),
  )
  return {
    id: one.id,
    title: one.title,
    unit: one.unit,
    legs: legs
      .filter((leg) => one.legs.includes(leg))
      .map((leg) => ({
        leg,
        value: spread(values.flatMap((round) => round[leg] ?? [])),
        timesDirect: leg === 'direct' ? undefined : ratio(values, leg, 'direct', one.better),
        timesPgBouncer:
          leg === 'direct' || leg === 'pgbouncer' ? undefined : ratio(values, leg, 'pgbouncer', one.better),
        cpu: spread(
          rounds.flatMap(
            (round) => round[leg]?.details['cpuMicrosPerTransaction'] ?? round[leg]?.details['cpuSeconds'] ?? [],
          ),
        )?.median,
        failure: failures[leg],
      })),
  }
}

const HEADING = ['', 'Way', 'Median (min–max)', '× direct', '× PgBouncer', 'CPU of the process'] as const

const number = (value: number): string =>
  value >= 1000 ? Math.round(value).toLocaleString('en') : value >= 100 ? value.toFixed(0) : value.toPrecision(3)

const withSpread = (found: Spread | undefined, show: (value: number) => string): string =>
  found === undefined ? '–' : `${show(found.median)} (${show(found.min)}–${show(found.max)})`

const asRatio = (value: number): string => value.toFixed(2)

function cpuText({ cpu }: LegSummary, unit: string): string {
  if (cpu === undefined) return '–'
  return unit === 'per second' ? `${cpu.toFixed(0)} µs each` : `${cpu.toFixed(2)} s`
}

function cells(one: CaseSummary, legs: LegSummary, first: boolean): readonly string[] {
  const measured = withSpread(legs.value, number)
  return [
    first ? `${one.title} (${one.unit})` : '',
    LEG_TITLES[legs.leg],
    legs.failure === undefined ? measured : `failed${legs.value === undefined ? '' : `, before that ${measured}`}`,
    withSpread(legs.timesDirect, asRatio),
    withSpread(legs.timesPgBouncer, asRatio),
    cpuText(legs, one.unit),
  ]
}

const rowsOf = (report: Report): readonly (readonly string[])[] =>
  report.cases.flatMap((one) => one.legs.map((legs, index) => cells(one, legs, index === 0)))

function factLines({ facts, run }: Report): readonly string[] {
  const programs = [
    `PostgreSQL ${facts.postgres}`,
    facts.pgbouncer === undefined ? undefined : `PgBouncer ${facts.pgbouncer}`,
    facts.pgbench === undefined ? undefined : `pgbench ${facts.pgbench}`,
    facts.psql === undefined ? undefined : `psql ${facts.psql}`,
  ].filter((program) => program !== undefined)
  const { p50, p95 } = facts.fdatasyncMs
  return [
    `${facts.date}, Chaperone ${facts.chaperone}, Node.js ${facts.node}, ${programs.join(', ')}`,
    `${facts.cores} cores (${facts.processor}), ${facts.memoryGiB} GiB, ${facts.system}; everything runs on them together; load before the run ${facts.loadBefore}`,
    `journal on ${facts.filesystem}: fdatasync of 300 bytes takes ${p50} ms (95 %: ${p95} ms)`,
    `${run.runs} rounds, ${run.seconds} s for each pgbench run, ${run.tls ? 'clients use TLS on every leg' : 'no TLS on any leg'}`,
    ...(run.quick ? ['--quick: shows that everything works; the figures mean little'] : []),
  ]
}

const noteLines = (report: Report): readonly string[] => [
  ...report.leftOut.map(({ what, why }) => `left out: ${what}, because ${why}`),
  ...report.cases.flatMap((one) =>
    one.legs.flatMap(({ leg, failure }) =>
      failure === undefined ? [] : [`failed: ${one.title}, ${LEG_TITLES[leg]}: ${failure}`],
    ),
  ),
  ...report.targets.map(
    ({ text, wanted, measured, met }) =>
      `target ${met ? 'met' : 'MISSED'}: ${text}: ${measured.toFixed(2)} (${wanted})`,
  ),
]

export function reportText(report: Report): string {
  return [...factLines(report), '', table(HEADING, rowsOf(report)), '', ...noteLines(report), ''].join('\n')
}

const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`
const list = (lines: readonly string[]): readonly string[] => lines.map((line) => `* ${line}`)

export function reportMarkdown(report: Report): string {
  const align = ['---', '---', '---:', '---:', '---:', '---:']
  return [
    ...list(factLines(report)),
    '',
    row(HEADING),
    row(align),
    ...rowsOf(report).map(row),
    '',
    ...list(noteLines(report)),
  ].join('\n')
}
