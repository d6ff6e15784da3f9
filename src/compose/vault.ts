import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Config, TargetTlsConfig } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { makeKeyFile } from '../config/key-file.ts'
import { readKey } from '../config/secret-key.ts'
import { usesTransform } from '../config/transform-use.ts'
import type { StoreConfig } from '../config/store-config.ts'
import type { CredentialResolver } from '../forward/credential.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { StoreState } from '../store/connections.ts'
import { openStore, type Store, type StoreLocation } from '../store/open-store.ts'
import { StoreUnusable } from '../store/store-unusable.ts'
import { tokenRepository } from '../store/token-repository.ts'
import { type LackedKeys, openVault, type TokenVault } from '../vault/open-vault.ts'
import type { Log } from './log.ts'

export interface VaultParts {
  readonly config: Config
  readonly environment: Environment
  readonly credentials: CredentialResolver
  readonly log: Log
}

export interface OpenedVault {
  readonly vault: TokenVault
  /** Of the store behind it. */
  state(): StoreState
  close(): Promise<void>
}

/**
 * The vault and the store behind it; undefined when no label asks for tokens. A store that does not answer now is waited for
 * in the background: until then, what needs a token fails with CHP-VAULT-UNAVAILABLE. Throws CHP-CONFIG-INVALID when waiting would
 * not help, and for a key that is none.
 */
export async function openTokenVault({
  config,
  environment,
  credentials,
  log,
}: VaultParts): Promise<OpenedVault | undefined> {
  if (!usesTransform(config.phi, 'token')) return undefined
  const { tokens } = config.phi
  const keys = tokenKeys(config, environment, log)
  const store = openStore({
    location: locationOf(config.store, credentials),
    onState: ({ state, reason }) => {
      if (state === 'down') log.error({ reason }, 'the store cannot be reached; what needs a token fails')
      else log.info({ state }, 'store')
    },
  })
  const isThere = await isReady(store)
  const vault = openVault({
    repository: tokenRepository(store),
    ...keys,
    lifetimeMs: tokens.lifetime,
    cacheBytes: tokens.cacheSize,
    onBackgroundError: ({ code, reason }) => log.warn({ code, reason }, 'vault'),
  })
  const close = async () => {
    await vault.close()
    await store.close()
  }
  try {
    if (isThere) await checkKeys(vault, log)
  } catch (error) {
    await close()
    throw error
  }
  return { vault, state: () => store.state, close }
}

/** False: it does not answer now. */
async function isReady(store: Store): Promise<boolean> {
  try {
    await store.ready()
    return true
  } catch (error) {
    if (!(error instanceof StoreUnusable)) return false
    await store.close()
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the store cannot be used: ${error.message}`,
      hint: 'Correct what is named, or keep tokens in another server (store.url). docs/tokens.md says what the store needs.',
      cause: error,
    })
  }
}

/** Keys that open nothing are those of another store. One that lacks some serves the scopes that it can open. */
async function checkKeys(vault: TokenVault, log: Log): Promise<void> {
  const { ids, all } = await lackedKeys(vault)
  if (all) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the store cannot be used: its scopes are encrypted under the key ${ids.join(', ')}, which is not configured`,
      hint: 'Set phi.tokens.key, or previousKeys, to the key that the other gateways of this store have.',
    })
  }
  if (ids.length > 0) log.error({ keys: ids }, 'scopes of tokens are encrypted under keys that are not configured')
}

/** Of a store that goes away meanwhile nothing is known: what needs it will fail. */
async function lackedKeys(vault: TokenVault): Promise<LackedKeys> {
  try {
    return await vault.lackedKeys()
  } catch (error) {
    if (error instanceof ChaperoneError && error.code === 'CHP-VAULT-UNAVAILABLE') return { ids: [], all: false }
    throw error
  }
}

function tokenKeys(
  config: Config,
  environment: Environment,
  log: Log,
): { readonly key: Buffer; readonly previousKeys: readonly Buffer[] } {
  const { key, keyIsOwn, previousKeys } = config.phi.tokens
  if (keyIsOwn && key.kind === 'file') makeOwnKey(key.file, config.store, log)
  return {
    key: readKey(key, 'phi.tokens.key', environment),
    previousKeys: previousKeys.map((reference, index) =>
      readKey(reference, `phi.tokens.previousKeys[${index}]`, environment),
    ),
  }
}

/** A store that is there without its key has lost it: a new one would open nothing, and hide that. */
function makeOwnKey(file: string, store: StoreConfig, log: Log): void {
  if (store.kind === 'embedded' && !existsSync(file) && isInUse(store.directory)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the key file ${file} is missing, and the store in ${store.directory} is encrypted under it`,
      hint: 'Put the copy of the key back, or remove the store: its tokens are worthless without the key.',
    })
  }
  if (!makeKeyFile(file, 'base64')) return
  log.info({ file }, 'made a key for the stored tokens; keep a copy of it in a safe place, apart from the store')
}

const isInUse = (directory: string): boolean => existsSync(directory) && readdirSync(directory).length > 0

/** Where the store is. Passwords are fetched for each connection, so that they can be changed without a restart. */
export function locationOf(store: StoreConfig, credentials: CredentialResolver): StoreLocation {
  if (store.kind === 'embedded') return { kind: 'embedded', directory: store.directory }
  const { host, port, database, user, credential, tls } = store
  return {
    kind: 'server',
    host,
    port,
    database,
    user,
    password: () => credentials.resolve(credential.password),
    ssl: tls.mode === 'plaintextWithoutTls' ? false : { ...tlsOf(tls, host), ...certificateOf(credential) },
  }
}

/** As for targets: see `forward/target-wire.ts`. */
function tlsOf({ mode, caFile, serverName }: TargetTlsConfig, host: string): ConnectionOptions {
  const name = serverName ?? host
  return {
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: mode !== 'insecureSkipVerify',
    checkServerIdentity: (_host, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(name, certificate) : undefined,
  }
}

type ServerStore = Extract<StoreConfig, { kind: 'server' }>

function certificateOf({ clientCertificate }: ServerStore['credential']): ConnectionOptions {
  if (clientCertificate === undefined) return {}
  const { certificateFile, keyFile } = clientCertificate
  return { cert: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}
