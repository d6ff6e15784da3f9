import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Command } from 'commander'
import { policyAnalysis } from '../../src/compose/policy-analysis.ts'
import { compilePolicy } from '../../src/decide/policy.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { runTest, type TestResult } from '../../src/policy/run-tests.ts'
import { parseTestFile } from '../../src/policy/test-file.ts'
import { testCatalog } from '../../src/policy/test-schema.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable } from '../terminal.ts'
import { catalogOf, targetNamed } from './phi-target.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

const DEFAULT_SEARCH_PATH = ['public']

export const policyTestCommand = (context: CommandContext): Command =>
  new Command('test')
    .description('Run the unit tests of the policy.')
    .argument('[file]', 'test file (default: chaperone.policy-test.yaml beside the configuration)')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExit status: 0 all passed, 1 not. Targets without a schema in the file are asked for their catalog.',
    )
    .action(async (file: string | undefined, options: Options) => {
      const config = readConfig(options.config, context)
      const path = file ?? join(dirname(config.file), 'chaperone.policy-test.yaml')
      if (!existsSync(path)) {
        throw new ChaperoneError('CHP-CONFIG-INVALID', {
          message: `there is no test file ${path}`,
          hint: 'See docs/policy.md for an example.',
        })
      }
      const { schemas, tests } = parseTestFile(readFileSync(path, 'utf8'), path)
      for (const name of Object.keys(schemas)) targetNamed(config, name)
      for (const test of tests) targetNamed(config, test.target)
      const policy = compilePolicy(config)
      const analysis = policyAnalysis(config, async (name) => {
        const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined
        return schema === undefined ? catalogOf(targetNamed(config, name), context) : testCatalog(schema)
      })
      const results: TestResult[] = []
      try {
        for (const test of tests) {
          const searchPath = schemas[test.target]?.searchPath ?? DEFAULT_SEARCH_PATH
          results.push(await runTest(policy, test, searchPath, analysis.analyse, systemClock()))
        }
      } finally {
        await analysis.close()
      }
      const failed = results.filter(({ failures }) => failures.length > 0)
      const { out } = context
      if (options.json) out.json({ version: policy.version, passed: results.length - failed.length, failed })
      else {
        for (const { name, failures } of failed) {
          out.line(`${out.red('failed')}  ${printable(name)}`)
          for (const failure of failures) out.line(`        ${printable(failure)}`)
        }
        out.line(`${results.length - failed.length} of ${results.length} tests passed with ${policy.version}`)
      }
      if (failed.length > 0) process.exitCode = 1
    })
