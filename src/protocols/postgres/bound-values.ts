import type { BoundValue } from '../protocol.ts'
import type { decodeBind } from './decode.ts'
import { encodeBind } from './encode.ts'

type Bind = ReturnType<typeof decodeBind>

/** The parameters of a Bind message; `types` are those of the statement as far as they are known. */
export function boundValues(frame: Buffer, bind: Bind, types: readonly number[]): readonly BoundValue[] {
  return bind.parameters.map((parameter, index) => ({
    typeOid: types[index] ?? 0,
    format: formatOf(bind, index),
    value: parameter === null ? null : frame.subarray(parameter.start, parameter.end),
  }))
}

/** The same parameters with other values for some. */
export function withValues(
  parameters: readonly BoundValue[],
  values: ReadonlyMap<number, Buffer> | undefined,
): readonly BoundValue[] {
  if (values === undefined) return parameters
  return parameters.map((parameter, index) => ({ ...parameter, value: values.get(index) ?? parameter.value }))
}

/** The same Bind message with other values for some parameters; formats stay. */
export function bindWith(frame: Buffer, bind: Bind, values: ReadonlyMap<number, Buffer>): Buffer {
  const parameters = bind.parameters.map((parameter, index) => {
    const value = values.get(index)
    if (value !== undefined) return value
    return parameter === null ? null : frame.subarray(parameter.start, parameter.end)
  })
  return encodeBind({ ...bind, parameters })
}

/** Parameter values for the sealed part of the journal: text as text, binary as `\x` and hex. */
export function sealedParameters(frame: Buffer, bind: Bind): readonly (string | null)[] {
  return bind.parameters.map((parameter, index) => {
    if (parameter === null) return null
    return formatOf(bind, index) === 1
      ? `\\x${frame.toString('hex', parameter.start, parameter.end)}`
      : frame.toString('utf8', parameter.start, parameter.end)
  })
}

/** One format is for all parameters, none is text for all. */
function formatOf({ parameterFormats }: Bind, index: number): number {
  const own = parameterFormats.length === 1 ? parameterFormats[0] : parameterFormats[index]
  return own ?? 0
}
