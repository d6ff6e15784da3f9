import { Option } from 'commander'
import type { Config } from '../src/config/config.ts'
import { loadConfig } from '../src/config/load.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import type { CommandContext } from './terminal.ts'

/** `--config FILE`, the same for every command that reads the configuration. */
export const configOption = (): Option =>
  new Option('-c, --config <file>', 'configuration file').env('CHAPERONE_CONFIG').default('chaperone.yaml')

export const jsonOption = (): Option => new Option('--json', 'print JSON')

export const readConfig = (file: string, { environment }: CommandContext): Config =>
  loadConfig(file, environment, policyChecks)
