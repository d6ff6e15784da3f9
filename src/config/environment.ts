/** Variables of a process: what `loadConfig` takes, and what credential references of the kind `environment` name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The only place that reads process.env. */
export function processEnvironment(): Environment {
  return process.env
}
