import { isObject } from './bounded-fetch.ts'

/**
 * A claim by its name, or else by the path that a dotted name spells: at each level the longest name that is there wins, so
 * that names with dots in them (`kubernetes.io`) are found inside a path (`kubernetes.io.namespace`). Own properties only.
 */
export function claimNamed(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const head = name.slice(0, dot)
    if (!Object.hasOwn(claims, head)) continue
    const inner = claims[head]
    return isObject(inner) ? claimNamed(inner, name.slice(dot + 1)) : undefined
  }
  return undefined
}
