import type { decodeBind } from './decode.ts'

/** Parameter values for the sealed part of the journal: text as text, binary as `\x` and hex. */
export function sealedParameters(frame: Buffer, bind: ReturnType<typeof decodeBind>): readonly (string | null)[] {
  return bind.parameters.map((parameter, index) => {
    if (parameter === null) return null
    const formats = bind.parameterFormats
    const format = formats.length === 1 ? formats[0] : (formats[index] ?? 0)
    return format === 1
      ? `\\x${frame.toString('hex', parameter.start, parameter.end)}`
      : frame.toString('utf8', parameter.start, parameter.end)
  })
}
