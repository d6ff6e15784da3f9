import type { TestOutcome } from './suite.ts'

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

const unescaped = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|(\w+));/g, (whole: string, code: string | undefined, name: string | undefined) =>
    code === undefined ? (ENTITIES[name ?? ''] ?? whole) : String.fromCodePoint(Number(code)),
  )

/** The outcomes in a JUnit report (pytest, Surefire), by `class::test`. A test with several entries has its worst. */
export function readJunit(xml: string): ReadonlyMap<string, TestOutcome> {
  const outcomes = new Map<string, TestOutcome>()
  // What a test printed is of no interest, and could look like anything.
  const elements = xml.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>/g, '')
  for (const [, attributes = '', body = ''] of elements.matchAll(
    /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const attribute = (name: string): string =>
      unescaped(new RegExp(`\\b${name}="([^"]*)"`).exec(` ${attributes}`)?.[1] ?? '')
    const test = `${attribute('classname')}::${attribute('name')}`
    const outcome = /<(failure|error)\b/.test(body) ? 'failed' : /<skipped\b/.test(body) ? 'skipped' : 'passed'
    if (outcomes.get(test) !== 'failed') outcomes.set(test, outcome)
  }
  return outcomes
}

const GO_ACTIONS: Readonly<Record<string, TestOutcome>> = { pass: 'passed', fail: 'failed', skip: 'skipped' }

/** The outcomes in the output of `go test -json`, by `package::test`; a package that fails without a test is `package::`. */
export function readGoTest(output: string): ReadonlyMap<string, TestOutcome> {
  const outcomes = new Map<string, TestOutcome>()
  for (const line of output.split('\n').filter((one) => one.startsWith('{'))) {
    const event: unknown = JSON.parse(line)
    if (typeof event !== 'object' || event === null || !('Action' in event) || !('Package' in event)) continue
    const outcome = GO_ACTIONS[String(event.Action)]
    const test = 'Test' in event ? String(event.Test) : ''
    if (outcome === undefined) continue
    // A package is only of interest when it fails outside its tests, such as when it does not compile.
    const inTests = [...outcomes].some(
      ([name, one]) => one === 'failed' && name.startsWith(`${String(event.Package)}::`),
    )
    if (test === '' && (outcome !== 'failed' || inTests)) continue
    outcomes.set(`${String(event.Package)}::${test}`, outcome)
  }
  return outcomes
}

/** The outcomes in a report of Mocha's reporter "json", by `prefix::full title`. */
export function readMocha(prefix: string, output: string): ReadonlyMap<string, TestOutcome> {
  const outcomes = new Map<string, TestOutcome>()
  // Tests print as well; the report is the last object that begins a line.
  const start = output.lastIndexOf('\n{\n')
  const report: unknown = JSON.parse(output.slice(start + 1))
  for (const [list, outcome] of [
    ['passes', 'passed'],
    ['pending', 'skipped'],
    ['failures', 'failed'],
  ] as const) {
    for (const title of titles(report, list)) {
      if (outcomes.get(`${prefix}::${title}`) !== 'failed') outcomes.set(`${prefix}::${title}`, outcome)
    }
  }
  return outcomes
}

function titles(report: unknown, list: string): readonly string[] {
  if (typeof report !== 'object' || report === null) return []
  const entries: unknown = Object.entries(report).find(([name]) => name === list)?.[1]
  if (!Array.isArray(entries)) return []
  return entries.flatMap((entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'fullTitle' in entry ? [String(entry.fullTitle)] : [],
  )
}
