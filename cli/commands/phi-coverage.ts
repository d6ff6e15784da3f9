import { Command } from 'commander'
import type { Config, TargetConfig } from '../../src/config/config.ts'
import { coverageOf, labelsOfNothing, type TableCoverage } from '../../src/phi/discovery/coverage.ts'
import { labelKey } from '../../src/phi/discovery/label-yaml.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, table, type Terminal } from '../terminal.ts'
import { catalogOf, labelsAsWritten, targetNamed } from './phi-target.ts'

interface Options {
  readonly config: string
  readonly strict?: true
  readonly json?: true
}

interface TargetCoverage {
  readonly target: string
  readonly unlabelledColumns: TargetConfig['unlabelledColumns']
  readonly totals: Totals
  readonly relations: readonly TableCoverage[]
  /** Keys of labels that match no column. */
  readonly labelsOfNothing: readonly string[]
}

interface Totals {
  readonly labelled: number
  readonly none: number
  readonly unlabelled: number
  readonly derived: number
}

export const phiCoverageCommand = (context: CommandContext): Command =>
  new Command('coverage')
    .description('What of a target, or of all, is labelled; every column without a label and what happens to it.')
    .argument('[target]', 'name of a target of the configuration; all of them when it is left out')
    .addOption(configOption())
    .option('--strict', 'exit with status 1 when a column has no label, or a label matches no column')
    .addOption(jsonOption())
    .addHelpText('after', '\nExit status: 0 done, 1 failed, or with --strict something is not classified.')
    .action(async (name: string | undefined, options: Options) => {
      const config = readConfig(options.config, context)
      const targets = name === undefined ? Object.values(config.targets) : [targetNamed(config, name)]
      const { out } = context
      const found: TargetCoverage[] = []
      for (const target of targets) {
        out.progress(`${target.name}: reading the catalog`)
        found.push(await coverTarget(config, target, context))
      }
      out.progress('')
      if (options.json) out.json({ targets: found })
      else for (const target of found) print(target, out)
      const open = found.some(({ totals, labelsOfNothing: lost }) => totals.unlabelled + lost.length > 0)
      if (open && options.strict === true) process.exitCode = 1
    })

async function coverTarget(config: Config, target: TargetConfig, context: CommandContext): Promise<TargetCoverage> {
  const catalog = await catalogOf(target, context)
  const labels = config.phi.labels[target.name] ?? []
  const relations = coverageOf(catalog, labelsAsWritten(labels))
  const sum = (count: (one: TableCoverage) => number) => relations.reduce((total, one) => total + count(one), 0)
  return {
    target: target.name,
    unlabelledColumns: target.unlabelledColumns,
    totals: {
      labelled: sum(({ labelled }) => labelled),
      none: sum(({ none }) => none),
      unlabelled: sum(({ unlabelled }) => unlabelled.length),
      derived: sum(({ derived }) => derived),
    },
    relations,
    labelsOfNothing: labelsOfNothing(catalog, labels).map(({ key }) => key),
  }
}

function print(
  { target, unlabelledColumns, totals, relations, labelsOfNothing: lost }: TargetCoverage,
  out: Terminal,
): void {
  out.line(out.bold(target))
  const rows = relations.map(({ schema, table: name, labelled, none, unlabelled, derived }) => [
    `${schema}.${name}`,
    ...[labelled, none, unlabelled.length, derived].map(String),
  ])
  const sums = ['total', ...[totals.labelled, totals.none, totals.unlabelled, totals.derived].map(String)]
  out.line(table(['RELATION', 'PHI', 'NONE', 'NO LABEL', 'DERIVED'], [...rows, sums]))
  out.line(out.dim('derived: columns of views, which have what their definitions read'))
  const passes = unlabelledColumns === 'pass'
  const consequence = {
    pass: out.red('PASSES AS IT IS (unlabelledColumns: pass)'),
    detect: 'texts pass but for what the detectors find, all else is masked whole (unlabelledColumns: detect)',
    mask: 'masked whole',
  }[unlabelledColumns]
  for (const { schema, table: name, unlabelled } of relations) {
    for (const column of unlabelled)
      out.line(`no label: ${printable(labelKey({ schema, table: name, column }))}: ${consequence}`)
  }
  for (const key of lost) out.line(out.red(`the label ${printable(key)} matches no column`))
  if (passes && totals.unlabelled > 0)
    out.error(
      out.red(`${target}: ${totals.unlabelled} column(s) that nobody has labelled reach every principal unmasked`),
    )
}
