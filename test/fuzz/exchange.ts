import { assertNever } from '../../src/lib/assert-never.ts'
import {
  encodeBind,
  encodeClose,
  encodeCopyData,
  encodeCopyDone,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import { bindOf, type Bound } from './bound.ts'
import type { Statement } from './grammar/statement.ts'
import { resolved } from './references.ts'

/** A text that is prepared by a message. */
const PARSED = /^PARSE (?<name>\w+) AS (?<sql>[^]*)$/

const CLEANED_UP: readonly (readonly [of: RegExp, by: string])[] = [
  [/^BEGIN/, 'ROLLBACK'],
  [/^(?:PREPARE|PARSE)/, 'DEALLOCATE ALL'],
]

/** What a reference stands for. */
export type ValueOf = (column: string, row: number) => string

/** Sends a statement and fetches all that it answers; afterwards the session is as it was. Throws when the connection ends. */
export async function exchange(
  client: WireClient,
  statement: Statement,
  valueOf: ValueOf = () => '',
): Promise<readonly Received[]> {
  const told: Received[] = []
  const texts = statement.texts.map((sql) => resolved(sql, valueOf))
  const last = texts.length - 1
  for (const [index, sql] of texts.entries()) {
    if (sql.startsWith('COPY') && statement.copy !== undefined) {
      for (const message of await copied(client, sql, resolved(statement.copy, valueOf))) told.push(message)
      continue
    }
    const parsed = PARSED.exec(sql)?.groups
    if (parsed !== undefined) client.send(encodeParse(parsed['name'] ?? '', parsed['sql'] ?? ''), encodeSync())
    else client.send(index === last ? sent(sql, statement, valueOf) : [encodeQuery(sql)])
    for (const message of await client.ready()) told.push(message)
  }
  for (const [of, by] of CLEANED_UP) {
    if (!of.test(texts[0] ?? '')) continue
    client.send(encodeQuery(by))
    await client.ready()
  }
  return told
}

/** Rows are sent once they are asked for. */
async function copied(client: WireClient, sql: string, rows: string): Promise<readonly Received[]> {
  client.send(encodeQuery(sql))
  const told: Received[] = []
  for (;;) {
    const message = await client.next()
    if (message === undefined) throw new Error('the server closed the connection')
    told.push(message)
    if (message.kind === 'CopyInResponse') client.send(encodeCopyData(Buffer.from(rows)), encodeCopyDone())
    else if (message.kind === 'ReadyForQuery') return told
  }
}

/** Ends with one ReadyForQuery. */
function sent(sql: string, { way, parameters = [] }: Statement, valueOf: ValueOf): readonly Buffer[] {
  const values = bindOf(parameters, valueOf)
  const bound = (resultFormats: readonly number[]) => [
    encodeParse('', sql, values.parameterTypes),
    encodeBind({ ...values, resultFormats }),
  ]
  switch (way) {
    case 'simple':
      return [encodeQuery(sql)]
    case 'text':
      return [...bound([]), encodeDescribe('P', ''), encodeExecute(''), encodeSync()]
    case 'binary':
      return [...bound([1]), encodeDescribe('P', ''), encodeExecute(''), encodeSync()]
    case 'undescribed':
      return [...bound([]), encodeExecute(''), encodeSync()]
    case 'again':
      return [
        encodeClose('S', 's'),
        encodeParse('s', sql, values.parameterTypes),
        encodeDescribe('S', 's'),
        ...executed(values, 0),
        ...executed(values, 1),
        encodeSync(),
      ]
    case 'pieces':
      return [
        ...bound([]),
        encodeDescribe('P', ''),
        encodeExecute('', 2),
        encodeExecute('', 3),
        encodeExecute(''),
        encodeSync(),
      ]
    default:
      return assertNever(way)
  }
}

/** The named statement, once. */
const executed = (values: Bound, format: number): readonly Buffer[] => [
  encodeBind({ ...values, statement: 's', resultFormats: [format] }),
  encodeDescribe('P', ''),
  encodeExecute(''),
]
