import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { codeOf } from '../lib/error-code.ts'
import { buildConfig } from './build-config.ts'
import { checkAlerts } from './check-alerts.ts'
import { checkApprovals } from './check-approvals.ts'
import type { CheckContext, PolicyChecks } from './check-context.ts'
import { checkGrants, checkPatientKeys } from './check-grants.ts'
import { checkIssuers } from './check-issuers.ts'
import { checkAdmin, checkJournal, checkListen } from './check-listen.ts'
import { checkPhi } from './check-phi.ts'
import { checkRules } from './check-policy.ts'
import { checkStore } from './check-store.ts'
import { checkTargets } from './check-targets.ts'
import { checkDelegation, checkWeb } from './check-web.ts'
import type { Config, Position } from './config.ts'
import type { Environment } from './environment.ts'
import { applyOverrides } from './overrides.ts'
import { ConfigError, type Path, pathText, type Problem } from './problem.ts'
import { configSchema } from './schema.ts'
import { shapeProblems } from './shape-problems.ts'
import { YamlDocument } from './yaml-document.ts'

export { ConfigError } from './problem.ts'

const MAX_FILE_BYTES = 4 * 1024 * 1024

const CROSS_CHECKS: readonly ((context: CheckContext) => void)[] = [
  checkListen,
  checkWeb,
  checkAdmin,
  checkJournal,
  checkStore,
  checkIssuers,
  checkTargets,
  checkPhi,
  checkGrants,
  checkPatientKeys,
  checkRules,
  checkDelegation,
  checkApprovals,
  checkAlerts,
]

/**
 * Reads `chaperone.yaml`. Relative paths in it start at its own directory. `policy` comes from `decide/policy-checks.ts`
 * and checks what only that room knows: CEL conditions and the names in the pack.
 * @throws ConfigError with every problem that was found (only syntax errors hide others)
 */
export function loadConfig(file: string, environment: Environment, policy: PolicyChecks): Config {
  const absolute = resolve(file)
  return parseConfig(readText(absolute), absolute, environment, policy)
}

/** The same for a text that is at hand. `file` is an absolute path that need not exist. */
export function parseConfig(yaml: string, file: string, environment: Environment, policy: PolicyChecks): Config {
  const document = new YamlDocument(yaml)
  const problems: Problem[] = document.faults.map(({ position, path, message }) =>
    problem(file, position, path, message),
  )
  if (document.data === undefined || document.data === null) {
    if (problems.length === 0) problems.push(problem(file, { line: 1, column: 1 }, [], 'the file is empty.'))
    throw new ConfigError(problems)
  }
  const { data, origin } = applyOverrides(document.data, environment)
  const report: CheckContext['report'] = (path, message, at = 'value') => {
    const variable = origin(path)
    const position =
      at === 'key'
        ? document.keyPosition(path)
        : at === 'value'
          ? document.valuePosition(path)
          : document.characterPosition(path, at.character)
    const source = variable === undefined ? '' : ` (The value comes from the environment variable ${variable}.)`
    problems.push(problem(file, position, path, message + source))
  }
  const parsed = configSchema.safeParse(data)
  if (!parsed.success) {
    for (const { path, at, message } of shapeProblems(configSchema, parsed.error.issues, data))
      report(path, message, at)
  }
  const directory = dirname(file)
  for (const check of CROSS_CHECKS) check({ data, directory, environment, policy, report })
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems)
  return buildConfig(parsed.data, file, (path) => document.keyPosition(path))
}

function problem(file: string, position: Position, path: Path, message: string): Problem {
  return { file, line: position.line, column: position.column, path: pathText(path), message }
}

function readText(file: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new ConfigError([
      problem(file, { line: 1, column: 1 }, [], `the file cannot be read (${codeOf(error) ?? 'error'}).`),
    ])
  }
  try {
    if (bytes.length > MAX_FILE_BYTES) throw new RangeError('the file is larger than 4 MiB.')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const message = error instanceof RangeError ? error.message : 'the file is not UTF-8.'
    throw new ConfigError([problem(file, { line: 1, column: 1 }, [], message)])
  }
}
