import type { CopyIn } from '../../inspect/sql/facts.ts'
import { binaryFormat } from './binary-format.ts'
import { lineFormat } from './line-format.ts'
import type { RowFormat } from './row-format.ts'
import { unreadableRows } from './unreadable-rows.ts'

/**
 * How the rows of this COPY are read. Throws CHP-MASK-WRITE-BACK when they cannot be told apart.
 *
 * @param watched by column, whether its cells are looked at
 */
export function formatOf(copyIn: CopyIn, watched: readonly boolean[]): RowFormat {
  const { format, delimiter, quote, escape } = copyIn
  if (format === 'binary') return binaryFormat(watched.length)
  const used = format === 'csv' ? [delimiter, quote, escape] : [delimiter]
  if (!used.every((character) => /^[\0-\x7f]$/u.test(character))) {
    throw unreadableRows('a delimiter, quote or escape of COPY is not one ASCII character')
  }
  return lineFormat(copyIn, watched)
}
