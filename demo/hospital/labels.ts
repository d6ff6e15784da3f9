import { TABLES, VIEW_LABELS } from './tables.ts'

/**
 * The lines of `phi.labels` for one target: every column of the demo hospital's tables with its class, or `none` for those
 * that were looked at. A mapping in YAML, without indentation and with a line break at the end.
 */
export function demoLabels(): string {
  return [...TABLES, ...VIEW_LABELS]
    .flatMap(({ name, columns }) => columns.map((column) => `hospital.${name}.${column[0]}: ${column.at(-1)}\n`))
    .join('')
}
