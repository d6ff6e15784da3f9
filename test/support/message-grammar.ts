import * as fc from 'fast-check'
import {
  encodeBind,
  encodeClose,
  encodeCopyData,
  encodeCopyDone,
  encodeCopyFail,
  encodeDescribe,
  encodeExecute,
  encodeFlush,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { type Received, rows, type WireClient } from './wire-client.ts'

/** One message, or a few that belong together, of a client. */
export interface Step {
  readonly what: string
  readonly bytes: Buffer
}

const prepared = fc.constantFrom('', 's1', 's2')
// Not the unnamed one: a failed simple query leaves a broken unnamed portal behind on the server, which is nobody's business.
const portal = fc.constantFrom('p1', 'p2')

/** Portals, described when they are bound, and then executed in any order and in pieces. */
export function portalStep(statements: readonly string[]): fc.Arbitrary<Step> {
  const to = fc.constantFrom('', 'p1', 'p2')
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(fc.constantFrom(...statements), to, fc.constantFrom(0, 1)).map(([sql, name, format]) => ({
        what: `Close Parse Bind Describe ${name} ${format} ${sql}`,
        bytes: Buffer.concat([
          encodeClose('P', name),
          encodeParse('', sql),
          encodeBind({ portal: name, resultFormats: [format] }),
          encodeDescribe('P', name),
        ]),
      })),
    },
    {
      weight: 6,
      arbitrary: fc
        .tuple(to, fc.constantFrom(0, 1, 2))
        .map(([name, limit]) => ({ what: `Execute ${name} ${limit}`, bytes: encodeExecute(name, limit) })),
    },
    { weight: 1, arbitrary: fc.constant({ what: 'Sync', bytes: encodeSync() }) },
  )
}

/** Any message of a client: `statements` are parsed and sent as queries, `texts` are sent as queries only. */
export function anyStep(statements: readonly string[], texts: readonly string[]): fc.Arbitrary<Step> {
  const statement = fc.constantFrom(...statements)
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .constantFrom(...statements, ...texts)
        .map((sql) => ({ what: `Query ${sql}`, bytes: encodeQuery(sql) })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(prepared, statement)
        .map(([to, sql]) => ({ what: `Parse ${to} ${sql}`, bytes: encodeParse(to, sql) })),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(portal, prepared, fc.constantFrom(0, 1)).map(([to, of, format]) => ({
        what: `Bind ${to} ${of} ${format}`,
        bytes: encodeBind({ portal: to, statement: of, resultFormats: [format] }),
      })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(portal, fc.constantFrom(0, 0, 1, 2))
        .map(([of, limit]) => ({ what: `Execute ${of} ${limit}`, bytes: encodeExecute(of, limit) })),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(prepared, fc.constantFrom(0, 1), fc.constantFrom(0, 0, 1, 2)).map(([of, format, limit]) => ({
        what: `Bind Execute ${of} ${format} ${limit}`,
        bytes: Buffer.concat([encodeBind({ statement: of, resultFormats: [format] }), encodeExecute('', limit)]),
      })),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(statement, portal, fc.constantFrom(0, 1)).map(([sql, to, format]) => ({
        what: `Parse Bind Describe ${to} ${format} ${sql}`,
        bytes: Buffer.concat([
          encodeParse('', sql),
          encodeBind({ portal: to, resultFormats: [format] }),
          encodeDescribe('P', to),
        ]),
      })),
    },
    { weight: 2, arbitrary: portal.map((of) => ({ what: `Describe P ${of}`, bytes: encodeDescribe('P', of) })) },
    { weight: 1, arbitrary: prepared.map((of) => ({ what: `Describe S ${of}`, bytes: encodeDescribe('S', of) })) },
    { weight: 1, arbitrary: prepared.map((of) => ({ what: `Close S ${of}`, bytes: encodeClose('S', of) })) },
    { weight: 1, arbitrary: portal.map((of) => ({ what: `Close P ${of}`, bytes: encodeClose('P', of) })) },
    { weight: 5, arbitrary: fc.constant({ what: 'Sync', bytes: encodeSync() }) },
    { weight: 1, arbitrary: fc.constant({ what: 'Flush', bytes: encodeFlush() }) },
    {
      weight: 2,
      arbitrary: fc.constant({
        what: 'CopyData CopyDone',
        bytes: Buffer.concat([encodeCopyData(Buffer.from('50\tfifty\n')), encodeCopyDone()]),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ what: 'CopyFail', bytes: encodeCopyFail('no') }) },
  )
}

/** A COPY that is under way is given up, and a mark tells where the run ends. */
const END = [encodeCopyFail('end'), encodeSync(), encodeQuery(`rollback; select 'end of run'`)]

/**
 * Sends it and collects the answers; the client is used up. Piece by piece, each step's answer has time to leave before
 * the next one is sent; else it is one flight.
 */
export async function answersTo(
  client: WireClient,
  steps: readonly Step[],
  pieces = false,
): Promise<readonly Received[]> {
  try {
    for (const { bytes } of steps) {
      client.send(bytes)
      if (!pieces) continue
      client.send(encodeFlush())
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
    client.send(END)
    const answers: Received[] = []
    for (;;) {
      const part = await client.toEndOrReady()
      answers.push(...part)
      if (part.at(-1)?.kind !== 'ReadyForQuery' || rows(part).at(-1)?.[0] === 'end of run') return answers
    }
  } finally {
    client.destroy()
  }
}
