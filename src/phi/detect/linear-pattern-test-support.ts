/**
 * Why a pattern could take more than linear time, or could not be run by a linear engine (RE2): look-around, back-references,
 * and repetition without a bound. Undefined when there is none of them.
 */
export function nonLinear({ source }: RegExp): string | undefined {
  const bare = source
    .replaceAll(/\\[1-9k]/g, '\u0000')
    .replaceAll(/\\p\{[^}]*\}|\\./gu, 'x')
    .replaceAll(/\[[^\]]*\]/g, 'x')
  if (bare.includes('\u0000')) return 'a back-reference'
  if (/\(\?<?[=!]/.test(bare)) return 'look-around'
  if (/[*+]|\{[0-9]+,\}/.test(bare)) return 'repetition without a bound'
  return undefined
}
