import { join } from 'node:path'
import { type AbsolutePath, buildCredential, buildTls } from './build-credential.ts'
import type { ParsedConfig } from './schema.ts'
import { parseStoreUrl } from './store-url.ts'
import type { KeyReference, StoreConfig, TokensConfig } from './store-config.ts'

type ParsedStore = ParsedConfig['store']
type ParsedKey = { readonly file?: string | undefined; readonly env?: string | undefined }

/** The section `store` of a file that has no problems. */
export function buildStore(store: ParsedStore, state: string, absolute: AbsolutePath): StoreConfig {
  const place = store.url === undefined ? undefined : parseStoreUrl(store.url)
  if (place === undefined) {
    const { directory } = store
    return { kind: 'embedded', directory: directory === undefined ? join(state, 'store') : absolute(directory) }
  }
  return {
    kind: 'server',
    ...place,
    credential: buildCredential(store.credential ?? 'none', absolute),
    tls: buildTls(store.tls, absolute),
  }
}

/** The section `phi.tokens`. */
export function buildTokens(
  tokens: ParsedConfig['phi']['tokens'],
  state: string,
  absolute: AbsolutePath,
): TokensConfig {
  const key = buildKey(tokens.key, absolute)
  return {
    key: key ?? { kind: 'file', file: join(state, 'token.key') },
    keyIsOwn: key === undefined,
    previousKeys: buildKeys(tokens.previousKeys, absolute),
    lifetime: tokens.lifetime,
    cacheSize: tokens.cacheSize,
  }
}

/** Undefined: no key is named. */
export function buildKey(key: ParsedKey | undefined, absolute: AbsolutePath): KeyReference | undefined {
  if (key?.file !== undefined) return { kind: 'file', file: absolute(key.file) }
  return key?.env === undefined ? undefined : { kind: 'environment', variable: key.env }
}

export function buildKeys(keys: readonly ParsedKey[], absolute: AbsolutePath): readonly KeyReference[] {
  return keys.flatMap((key) => buildKey(key, absolute) ?? [])
}
