import { ChaperoneError } from '../lib/errors.ts'

/** Something wrong with the configuration. Messages quote names and never values that could be secret. */
export interface Problem {
  readonly file: string
  /** Both count from 1. */
  readonly line: number
  readonly column: number
  /** `issuers[0].claims.kind`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
}

export type Path = readonly (string | number)[]

export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else {
      const name = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step)
      text += text === '' ? name : `.${name}`
    }
  }
  return text
}

/** Every problem of a configuration, in the order of the file. */
export class ConfigError extends ChaperoneError {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    const sorted = problems.toSorted(
      (left, right) => left.line - right.line || left.column - right.column || (left.message < right.message ? -1 : 1),
    )
    const lines = sorted.map(
      ({ file, line, column, path, message }) =>
        `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`,
    )
    super('CHP-CONFIG-INVALID', { message: `the configuration is not valid\n${lines.join('\n')}` })
    this.name = 'ConfigError'
    this.problems = sorted
  }
}
