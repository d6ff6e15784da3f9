import type { Judgement } from './differences.ts'
import type { SuiteRun } from './suite.ts'

/** What became of one suite. */
export type SuiteReport =
  | { readonly suite: string; readonly status: 'skipped' | 'broken'; readonly reason: string }
  | {
      readonly suite: string
      readonly status: 'ran'
      readonly seconds: number
      readonly run: SuiteRun
      readonly judgement: Judgement
    }

const DETAIL_LINES = 12

/** The numbers, one line a suite. */
export function table(reports: readonly SuiteReport[]): string {
  const head = ['suite', 'tests', 'pass directly', 'same', 'explained', 'unexplained', 'seconds']
  const rows = reports.map((report) => {
    if (report.status !== 'ran') return [report.suite, `${report.status}: ${report.reason}`]
    const { cases } = report.run
    const { explained, unexplained } = report.judgement
    const good = cases.filter(({ direct }) => direct === 'passed' || direct === 'ran').length
    const same = cases.length - explained.length - unexplained.length
    const numbers = [cases.length, good, same, explained.length, unexplained.length, Math.round(report.seconds)]
    return [report.suite, ...numbers.map(String)]
  })
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.filter((row) => row.length === head.length).map((row) => row[column]?.length ?? 0)),
  )
  const first = Math.max(...reports.map(({ suite }) => suite.length), head[0]?.length ?? 0)
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(first) : cells.length === 2 ? cell : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return [head, ...rows].map(line).join('\n')
}

/** What a person has to look at: differences without an explanation, and explanations without a difference. */
export function findings(reports: readonly SuiteReport[]): string {
  return reports
    .flatMap((report) => {
      if (report.status !== 'ran') return []
      const { unexplained, gone } = report.judgement
      return [
        ...report.run.notes.map((note) => `${report.suite}: ${note}`),
        ...unexplained.map(({ test, differences, detail }) => {
          const lines = detail.split('\n')
          const shown = lines.slice(0, DETAIL_LINES).map((line) => `    ${line}`)
          const more = lines.length > DETAIL_LINES ? [`    … ${lines.length - DETAIL_LINES} lines more`] : []
          return [`${report.suite}: UNEXPLAINED ${test}, places: ${differences}`, ...shown, ...more].join('\n')
        }),
        ...gone.map(
          ({ test, places }) =>
            `${report.suite}: ${test} differs in fewer than the ${places} places that are explained`,
        ),
      ]
    })
    .join('\n')
}

/** 0: no unexplained difference; 1: some; 2: a suite could not be completed. */
export function exitCode(reports: readonly SuiteReport[], skippedFails: boolean): number {
  if (reports.some(({ status }) => status === 'broken' || (status === 'skipped' && skippedFails))) return 2
  return reports.some((report) => report.status === 'ran' && report.judgement.unexplained.length > 0) ? 1 : 0
}
