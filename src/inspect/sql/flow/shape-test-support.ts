import type { OutputShape, StoredColumn } from '../facts.ts'
import type { Flow } from './analyse-flow.ts'

/** The outputs in short: `clean`, `origin`, `unproven`, or the shape, with names for stored columns. */
export function printedOutputs({ outputs }: Pick<Flow, 'outputs'>, nameOf: (column: StoredColumn) => string): string {
  if (outputs === 'unknown') return '?'
  return outputs.map((output) => (output.kind === 'phi' ? printedShape(output.shape, nameOf) : output.kind)).join(', ')
}

function printedShape(shape: OutputShape, nameOf: (column: StoredColumn) => string): string {
  const printed = (inner: OutputShape): string => printedShape(inner, nameOf)
  switch (shape.kind) {
    case 'clean':
      return 'clean'
    case 'whole':
      return `whole(${shape.classes.join(' ')})`
    case 'column':
      return [nameOf(shape), ...shape.path].join('.')
    case 'year':
      return `year(${printed(shape.column)})`
    case 'object': {
      const rest = shape.rest.kind === 'clean' ? [] : [`*: ${printed(shape.rest)}`]
      return `{${[...shape.members.map(([name, member]) => `${name}: ${printed(member)}`), ...rest].join(', ')}}`
    }
    case 'elements':
      return `[${printed(shape.element)}]`
    case 'fields':
      return `(${shape.fields.map(printed).join(', ')})`
    default:
      return shape satisfies never
  }
}
