import {
  encodeBind,
  encodeDescribe,
  encodeExecute,
  encodeParse,
  encodeQuery,
  encodeSync,
} from '../../src/protocols/postgres/encode.ts'
import { errors, type Received, rows, type WireClient } from '../support/wire-client.ts'

/** What a statement came to. */
export interface Answer {
  readonly rows: readonly (readonly (string | null)[])[]
  /** SQLSTATE and message; undefined when it succeeded. */
  readonly error: { readonly code: string; readonly message: string } | undefined
}

/** A way to send a statement with one value in it: `?` in its text stands for the value. */
export interface Mode {
  readonly name: string
  run(client: WireClient, statement: string, value: string, type: string): Promise<Answer>
}

const TYPE_OIDS: Readonly<Record<string, number>> = { integer: 23, bigint: 20, uuid: 2950, text: 25, numeric: 1700 }
const NUMBERS: ReadonlySet<string> = new Set(['integer', 'bigint', 'numeric'])

/** The type without its length. */
const bare = (type: string): string => type.replace(/\(.*/, '')
const typeOid = (type: string): number => TYPE_OIDS[bare(type)] ?? 25

export const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`

/** The value as a literal of its type: numbers without quotes. */
export const literal = (value: string, type: string): string => (NUMBERS.has(bare(type)) ? value : quoted(value))

function answer(messages: readonly Received[]): Answer {
  return { rows: rows(messages), error: errors(messages)[0] }
}

export async function query(client: WireClient, sql: string): Promise<Answer> {
  client.send(encodeQuery(sql))
  return answer(await client.ready())
}

export async function bound(
  client: WireClient,
  sql: string,
  parameters: readonly { readonly value: Buffer | null; readonly format: number; readonly typeOid: number }[],
): Promise<Answer> {
  client.send(
    encodeParse(
      '',
      sql,
      parameters.map((one) => one.typeOid),
    ),
    encodeBind({
      parameterFormats: parameters.map(({ format }) => format),
      parameters: parameters.map(({ value }) => value),
    }),
    encodeDescribe('P', ''),
    encodeExecute(''),
    encodeSync(),
  )
  return answer(await client.ready())
}

/** The value in the binary format of its type (PostgreSQL source, the types' send functions); undefined for numeric. */
export function binary(value: string, type: string): Buffer | undefined {
  switch (bare(type)) {
    case 'integer': {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(Number(value))
      return bytes
    }
    case 'bigint': {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(value))
      return bytes
    }
    case 'uuid':
      return Buffer.from(value.replaceAll('-', ''), 'hex')
    case 'numeric':
      return undefined
    default:
      return Buffer.from(value)
  }
}

const parameter = (format: number, declared: boolean) => (value: string, type: string) => {
  const bytes = format === 1 ? binary(value, type) : Buffer.from(value)
  return {
    value: bytes ?? Buffer.from(value),
    format: bytes === undefined ? 0 : format,
    typeOid: declared ? typeOid(type) : 0,
  }
}

export const MODES: readonly Mode[] = [
  { name: 'a literal', run: (client, sql, value, type) => query(client, sql.replaceAll('?', literal(value, type))) },
  { name: 'a quoted literal', run: (client, sql, value) => query(client, sql.replaceAll('?', quoted(value))) },
  {
    name: 'a literal with a comment',
    run: (client, sql, value, type) => query(client, `/* é */ ${sql.replaceAll('?', literal(value, type))} -- end`),
  },
  {
    name: 'a cast literal',
    run: (client, sql, value, type) =>
      query(client, sql.replaceAll('?', `${quoted(value)}::${type === 'char(24)' ? 'bpchar' : bare(type)}`)),
  },
  {
    name: 'a parsed literal',
    run: (client, sql, value, type) => bound(client, sql.replaceAll('?', literal(value, type)), []),
  },
  ...[
    { name: 'a text parameter', make: parameter(0, false) },
    { name: 'a declared text parameter', make: parameter(0, true) },
    { name: 'a binary parameter', make: parameter(1, true) },
  ].map(({ name, make }) => ({
    name,
    run: (client: WireClient, sql: string, value: string, type: string) =>
      bound(client, sql.replaceAll('?', '$1'), [make(value, type)]),
  })),
]
