/** An object without a prototype, so that looking up a name from outside finds configured entries only. */
export function bare<T, U>(
  from: Readonly<Record<string, T>>,
  convert: (value: T, key: string) => U,
): Readonly<Record<string, U>> {
  const result: Record<string, U> = Object.create(null)
  for (const [key, value] of Object.entries(from)) result[key] = convert(value, key)
  return result
}
