import { assertNever } from '../../src/lib/assert-never.ts'
import {
  encodeBind,
  encodeClose,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import type { Received, WireClient } from '../support/wire-client.ts'
import type { Statement, Way } from './grammar/statement.ts'

const CLEANED_UP: readonly (readonly [of: RegExp, by: string])[] = [
  [/^BEGIN/, 'ROLLBACK'],
  [/^PREPARE/, 'DEALLOCATE ALL'],
]

/** Sends a statement and fetches all that it answers; afterwards the session is as it was. Throws when the connection ends. */
export async function exchange(client: WireClient, { texts, way }: Statement): Promise<readonly Received[]> {
  const told: Received[] = []
  const last = texts.length - 1
  for (const [index, sql] of texts.entries()) {
    const messages = index === last ? sent(sql, way) : [encodeQuery(sql)]
    client.send(messages)
    for (const message of await client.ready()) told.push(message)
  }
  for (const [of, by] of CLEANED_UP) {
    if (!of.test(texts[0] ?? '')) continue
    client.send(encodeQuery(by))
    await client.ready()
  }
  return told
}

/** Ends with one ReadyForQuery. */
function sent(sql: string, way: Way): readonly Buffer[] {
  const bound = (resultFormats: readonly number[]) => [encodeParse('', sql), encodeBind({ resultFormats })]
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
        encodeParse('s', sql),
        encodeDescribe('S', 's'),
        ...executed(0),
        ...executed(1),
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
const executed = (format: number): readonly Buffer[] => [
  encodeBind({ statement: 's', resultFormats: [format] }),
  encodeDescribe('P', ''),
  encodeExecute(''),
]
