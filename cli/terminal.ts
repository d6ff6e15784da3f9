/** Where commands write: results to standard output, everything else to standard error. */
export interface Terminal {
  line(text: string): void
  json(value: unknown): void
  error(text: string): void
  /** Says how far long work has come, on one line of standard error that the next one replaces; nothing where nobody looks. */
  progress(text: string): void
  /** Styles text when standard output is a terminal that wants colour (https://no-color.org). */
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  readonly columns: number
}

export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly out: Terminal
}

interface Streams {
  readonly stdout: { write(text: string): boolean; readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: { write(text: string): boolean; readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

export function terminal({ stdout, stderr, env }: Streams): Terminal {
  const colour = stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  const style = (on: number, off: number) => (text: string) => (colour ? `\u001b[${on}m${text}\u001b[${off}m` : text)
  return {
    line: (text) => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
    progress: (text) => {
      if (stderr.isTTY === true) stderr.write(`\r\u001b[K${text}`)
    },
    error: (text) => void stderr.write(`${text}\n`),
    bold: style(1, 22),
    dim: style(2, 22),
    green: style(32, 39),
    red: style(31, 39),
    columns: stdout.columns ?? 100,
  }
}

/**
 * Text from elsewhere (names in statements, claims of a token) could hold sequences that a terminal obeys, or characters that turn its
 * direction, so that a statement looks like another one (CVE-2021-42574).
 */
export const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, '?')

/** Rows under a heading, columns as wide as they need to be. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const format = (row: readonly string[]) =>
    row
      .map((cell, column) => printable(cell).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [heading, ...rows].map(format).join('\n')
}
