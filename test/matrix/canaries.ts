import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { of, rows, type WireClient } from '../support/wire-client.ts'
import { COLUMNS, type Column } from './columns.ts'
import type { Canary } from './detector.ts'

const SETTINGS = [
  ...['ISO, DMY', 'SQL, MDY', 'SQL, DMY', 'Postgres, MDY', 'Postgres, DMY', 'German'].map(
    (style) => `datestyle = '${style}'`,
  ),
  ...['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'].map((style) => `intervalstyle = '${style}'`),
]

/** Asks the server how it writes the values, in both formats and under every setting that changes that. */
export async function readCanaries(direct: WireClient): Promise<ReadonlyMap<string, Canary>> {
  const list = COLUMNS.map(({ name }) => name).join(', ')
  const sql = `select ${list} from matrix.person where id < 3 order by id`
  direct.send(encodeParse('', sql), encodeBind({ resultFormats: [1] }), encodeExecute(''), encodeSync())
  const binary = of(await direct.ready(), 'DataRow').map(({ values }) => values)
  const text: (string | null)[][] = []
  for (const setting of SETTINGS) {
    direct.send(encodeQuery(`set ${setting}; ${sql}; reset ${setting.split(' ', 1).join()}`))
    text.push(...rows(await direct.ready()))
  }
  return new Map(COLUMNS.map((column, index) => [column.name, canary(column, index, text, binary)]))
}

function canary(
  { name, traits, parts }: Column,
  index: number,
  text: readonly (readonly (string | null)[])[],
  binary: readonly (readonly (Buffer | null)[])[],
): Canary {
  const texts = text.flatMap((row) => row[index] ?? []).map((value) => value.trimEnd())
  return {
    column: name,
    texts: [...new Set([...texts, ...parts])],
    binaries: [...binary.flatMap((row) => row[index] ?? []), ...parts.flatMap(int4)],
    inPieces: traits.has('string'),
  }
}

/** A part that is an integer, in binary format. */
function int4(part: string): Buffer[] {
  if (!/^\d+$/.test(part)) return []
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(Number(part))
  return [bytes]
}
