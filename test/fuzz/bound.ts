import { assertNever } from '../../src/lib/assert-never.ts'
import type { Parameter } from './grammar/token-constant.ts'
import { resolved } from './references.ts'

/** Parameters as Parse and Bind have them. */
export interface Bound {
  readonly parameterTypes: readonly number[]
  readonly parameterFormats: readonly number[]
  readonly parameters: readonly Buffer[]
}

/** pg_type.oid */
const OIDS: Readonly<Record<Parameter['type'], number>> = {
  text: 25,
  varchar: 1043,
  int4: 23,
  int8: 20,
  numeric: 1700,
  uuid: 2950,
  texts: 1009,
}

export function bindOf(parameters: readonly Parameter[], valueOf: (column: string, row: number) => string): Bound {
  const encoded = parameters.map((parameter) => {
    const text = resolved(parameter.text, valueOf)
    const bytes = parameter.format === 1 ? binary(text, parameter.type) : undefined
    return { format: bytes === undefined ? 0 : 1, value: bytes ?? Buffer.from(text) }
  })
  return {
    parameterTypes: parameters.map(({ declared, type }) => (declared ? OIDS[type] : 0)),
    parameterFormats: encoded.map(({ format }) => format),
    parameters: encoded.map(({ value }) => value),
  }
}

/** In the format of the types' send functions; undefined for what is no value of the type. */
function binary(text: string, type: Parameter['type']): Buffer | undefined {
  switch (type) {
    case 'text':
    case 'varchar':
      return Buffer.from(text)
    case 'int4':
    case 'int8': {
      if (!/^-?[0-9]{1,18}$/.test(text)) return undefined
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(BigInt(text))
      if (type === 'int8') return bytes
      return Math.abs(Number(text)) < 2 ** 31 ? bytes.subarray(4) : undefined
    }
    case 'uuid':
      return /^[0-9a-f-]{36}$/.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : undefined
    case 'texts':
      return array(text.split('\u0000'))
    case 'numeric':
      return undefined
    default:
      return assertNever(type)
  }
}

/** text[] of one dimension (PostgreSQL source, array_send). */
function array(elements: readonly string[]): Buffer {
  const header = Buffer.alloc(20)
  for (const [index, value] of [1, 0, OIDS.text, elements.length, 1].entries()) header.writeInt32BE(value, index * 4)
  const cells = elements.flatMap((element) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(Buffer.byteLength(element))
    return [length, Buffer.from(element)]
  })
  return Buffer.concat([header, ...cells])
}
