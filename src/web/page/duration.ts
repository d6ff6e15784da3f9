/** Seconds for people: in the largest unit that is whole. */
export function durationOf(seconds: number): string {
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const
  const [size, unit] = units.find(([one]) => seconds >= one && seconds % one === 0) ?? [60, 'minute']
  const count = Math.round(seconds / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
