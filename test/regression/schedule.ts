/** One line of a schedule: tests that pg_regress would start together. */
export type ScheduleGroup = readonly string[]

/** Reads a schedule of pg_regress: `test: NAME …` lines in order; comments and `ignore:` lines say nothing about order. */
export function readSchedule(text: string): readonly ScheduleGroup[] {
  return text
    .split('\n')
    .flatMap((line) => /^test:\s*(.*)$/.exec(line)?.[1] ?? [])
    .map((names) => names.split(/\s+/).filter((name) => name !== ''))
    .filter((names) => names.length > 0)
}
