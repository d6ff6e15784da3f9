import { Command } from 'commander'
import { type Standing, standing } from '../../src/phi/discovery/against-labels.ts'
import { labelYaml, reviewYaml, yamlScalar } from '../../src/phi/discovery/label-yaml.ts'
import { type ColumnFinding, findColumns } from '../../src/phi/discovery/propose.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import { type CommandContext, printable, type Terminal } from '../terminal.ts'
import { type Sampling, sampleTarget } from './phi-sampling.ts'
import { askTarget, catalogOf, labelsAsWritten, targetNamed } from './phi-target.ts'

interface Options {
  readonly config: string
  readonly all?: true
  readonly json?: true
}

interface Compared {
  readonly column: ColumnFinding
  readonly standing: Standing
}

interface Discovery {
  readonly target: string
  readonly compared: readonly Compared[]
  readonly skipped: Sampling['skipped']
}

/** Something was proposed, or a label was objected to; 1 is a failure. */
const FOUND = 2

export const phiDiscoverCommand = (context: CommandContext): Command =>
  new Command('discover')
    .description(
      'Propose labels for the columns of a target, with reasons: from names, types, keys and a sample of the values. No value is printed or kept.',
    )
    .argument('<target>', 'name of a target of the configuration')
    .addOption(configOption())
    .option('--all', 'show what is labelled, too, and where values or names speak against the label')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nStandard output can be put into the configuration once somebody has read it.\nExit status: 0 nothing to propose, 1 failed, 2 something to propose.',
    )
    .action(async (name: string, options: Options) => {
      const config = readConfig(options.config, context)
      const target = targetNamed(config, name)
      const { out } = context
      out.progress(`${name}: reading the catalog`)
      const catalog = await catalogOf(target, context)
      const sampling = await askTarget(target, context, (client, abort) =>
        sampleTarget(client, abort, catalog, (table, index, of) =>
          out.progress(`${printable(table)} (${index + 1} of ${of})`),
        ),
      )
      out.progress('')
      const labels = labelsAsWritten(config.phi.labels[name] ?? [])
      const compared = findColumns(sampling.tables, sampling.foreignKeys).map((column) => ({
        column,
        standing: standing(column, labels),
      }))
      const discovery = { target: name, compared, skipped: sampling.skipped }
      if (options.json) printJson(discovery, options, out)
      else printYaml(discovery, options, out)
      if (of(discovery, 'new').length + of(discovery, 'conflict').length > 0) process.exitCode = FOUND
    })

const of = ({ compared }: Discovery, kind: Standing['kind']): readonly Compared[] =>
  compared.filter((one) => one.standing.kind === kind)

function printJson(discovery: Discovery, { all }: Options, out: Terminal): void {
  const { target, compared, skipped } = discovery
  const shown = all === true ? compared : compared.filter(({ standing: { kind } }) => kind !== 'agrees')
  out.json({
    target,
    columns: shown.map(({ column: { schema, table, column, values, finding }, standing: stands }) => ({
      schema,
      table,
      column,
      standing: stands.kind,
      ...(stands.kind === 'conflict' ? { label: stands.label } : {}),
      values,
      finding: finding ?? null,
    })),
    skipped,
  })
}

const indented = (lines: readonly string[]): string => lines.map((line) => `      ${line}`).join('\n')

/** Labels to standard output, all else to standard error. */
function printYaml(discovery: Discovery, { all }: Options, out: Terminal): void {
  const { target, compared, skipped } = discovery
  const proposed = of(discovery, 'new')
  const unknown = of(discovery, 'unknown')
  const conflicts = of(discovery, 'conflict')
  if (proposed.length + unknown.length > 0) {
    out.line('# Proposed by "chaperone phi discover": read every line before you use it.')
    out.line(`phi:\n  labels:\n    ${yamlScalar(target)}:${proposed.length === 0 ? ' {}' : ''}`)
    for (const { column } of proposed)
      if (column.finding !== undefined) out.line(indented(labelYaml(column, column.finding)))
    if (unknown.length > 0) {
      out.line(indented(['# Nothing speaks for PHI in these; that is no proof. Look, and take the first # away:']))
      out.line(indented(unknown.map(({ column }) => reviewYaml(column))))
    }
  }
  for (const { column, standing: stands } of all === true ? conflicts : []) {
    if (stands.kind !== 'conflict' || column.finding === undefined) continue
    const { class: phiClass, confidence, reasons } = column.finding
    out.error(
      printable(
        `${column.schema}.${column.table}.${column.column} is labelled ${stands.label}, looks like ${phiClass} (${confidence}): ${reasons.join('; ')}`,
      ),
    )
  }
  for (const { schema, table, reason } of skipped)
    out.error(printable(`values not read: ${schema}.${table}: ${reason}`))
  const labelled = compared.length - proposed.length - unknown.length
  const more = all === true || conflicts.length === 0 ? '' : ' (--all shows them)'
  out.error(
    `${compared.length} columns: ${labelled} labelled, ${proposed.length} proposed, ${unknown.length} to be looked at, ${conflicts.length} label(s) in doubt${more}`,
  )
}
