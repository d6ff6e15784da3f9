import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { policyAnalysis } from '../../src/compose/policy-analysis.ts'
import { type Data, YamlDocument } from '../../src/config/yaml-document.ts'
import { compilePolicy } from '../../src/decide/policy.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { ChaperoneError } from '../../src/lib/errors.ts'
import { explain } from '../../src/policy/explain.ts'
import { judgeText, type Judgement } from '../../src/policy/judge-text.ts'
import { questionOf } from '../../src/policy/run-tests.ts'
import { parseTestFile } from '../../src/policy/test-file.ts'
import { testCatalog } from '../../src/policy/test-schema.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable } from '../terminal.ts'
import { catalogOf, targetNamed } from './phi-target.ts'

interface Options {
  readonly config: string
  readonly target: string
  readonly principal: Data
  readonly onBehalfOf: readonly Data[]
  readonly purpose?: string
  readonly run?: string
  readonly patient?: readonly string[]
  readonly given?: readonly string[]
  readonly at?: string
  readonly estimatedRows?: number
  readonly searchPath: string
  readonly schema?: string
  readonly json?: true
}

export const policyExplainCommand = (context: CommandContext): Command =>
  new Command('explain')
    .description('Say what would be decided about a statement, and why. Nothing is run.')
    .argument('<sql>', 'the statement; "-" is standard input')
    .addOption(configOption())
    .requiredOption('--target <name>', 'target')
    .requiredOption(
      '--principal <yaml>',
      "for example '{issuer: corp, subject: agent-7, kind: agent, groups: [ehr]}'",
      yaml,
    )
    .option('--on-behalf-of <yaml>', 'the one who delegated; again for the one before', yamlList, [])
    .option('--purpose <name>', 'purpose of use')
    .option('--run <id>', 'run')
    .option('--patient <key...>', 'the only patients of the run')
    .option('--given <grant...>', 'grants on request, as if they had been given')
    .option('--at <time>', 'RFC 3339 (default: now)')
    .option('--estimated-rows <count>', 'what the planner would say (default: unknown)', wholeNumber)
    .option('--search-path <schemas>', 'with commas between them', 'public')
    .option('--schema <file>', 'policy test file whose schema stands for the target, which is not asked then')
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status: 0 allowed, 1 held, refused or no access.')
    .action(async (given: string, options: Options) => {
      const config = readConfig(options.config, context)
      const target = targetNamed(config, options.target)
      const sql = given === '-' ? readFileSync(0, 'utf8') : given
      const policy = compilePolicy(config)
      const schema = options.schema === undefined ? undefined : schemaIn(options.schema, target.name)
      const searchPath = schema?.searchPath ?? options.searchPath.split(',').map((name) => name.trim())
      const analysis = policyAnalysis(config, async () =>
        schema === undefined ? catalogOf(target, context) : testCatalog(schema),
      )
      let judgement: Judgement
      try {
        const question = questionOf(policy, testOf(options, sql), searchPath, systemClock())
        judgement = await judgeText(policy, { ...question, sql }, analysis.analyse)
      } finally {
        await analysis.close()
      }
      const { out } = context
      if (options.json) out.json({ version: policy.version, ...judgement })
      else for (const line of explain(judgement)) out.line(printable(line))
      if (judgement.kind !== 'judged' || judgement.decision.outcome !== 'allow') process.exitCode = 1
    })

/** The same as a policy test, so that both are read by the same rules. */
function testOf(
  { target, principal, onBehalfOf, purpose, run, patient, given, at, estimatedRows }: Options,
  sql: string,
) {
  const test = {
    name: 'explain',
    principal,
    onBehalfOf,
    purpose,
    run,
    patients: patient,
    given: given ?? [],
    target,
    at,
    sql,
    estimatedRows,
    expect: {},
  }
  const [parsed] = parseTestFile(JSON.stringify({ version: 1, tests: [test] }), 'the command line').tests
  if (parsed === undefined) throw new ChaperoneError('CHP-INTERNAL', { reason: 'a test that got lost' })
  return parsed
}

function schemaIn(file: string, target: string) {
  const { schemas } = parseTestFile(readFileSync(file, 'utf8'), file)
  const schema = Object.hasOwn(schemas, target) ? schemas[target] : undefined
  if (schema !== undefined) return schema
  throw new ChaperoneError('CHP-CONFIG-INVALID', { message: `${file} has no schema for the target ${target}` })
}

function yaml(text: string): Data {
  const { data, faults } = new YamlDocument(text)
  const [fault] = faults
  if (fault !== undefined) throw new InvalidArgumentError(fault.message)
  return data
}

const yamlList = (text: string, before: readonly Data[]): readonly Data[] => [...before, yaml(text)]

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('must be a whole number')
  return value
}
