/** Makes a forgotten case of a union a compile error, and a defect that reaches run time a loud one. */
export function assertNever(value: never): never {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`)
}
