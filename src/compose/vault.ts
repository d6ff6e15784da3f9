import { existsSync, readdirSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { makeKeyFile } from '../config/key-file.ts'
import { readKey } from '../config/secret-key.ts'
import { usesTransform } from '../config/transform-use.ts'
import type { StoreConfig } from '../config/store-config.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { tokenRepository } from '../store/token-repository.ts'
import { type LackedKeys, openVault, type TokenVault } from '../vault/open-vault.ts'
import type { Log } from './log.ts'
import type { SharedStore } from './store.ts'

export interface VaultParts {
  readonly config: Config
  readonly environment: Environment
  readonly shared: SharedStore | undefined
  readonly log: Log
}

/**
 * The vault; undefined when no label asks for tokens. Throws CHP-CONFIG-INVALID for a key that is none, or that opens nothing in the
 * store.
 */
export async function openTokenVault(parts: VaultParts): Promise<TokenVault | undefined> {
  const { config, shared, log } = parts
  if (shared === undefined || !usesTransform(config.phi, 'token')) return undefined
  const { tokens } = config.phi
  const vault = openVault({
    repository: tokenRepository(shared.store),
    ...(await tokenKeys(parts, shared)),
    lifetimeMs: tokens.lifetime,
    cacheBytes: tokens.cacheSize,
    onBackgroundError: ({ code, reason }) => log.warn({ code, reason }, 'vault'),
  })
  try {
    if (shared.isThere) await checkKeys(vault, log)
    return vault
  } catch (error) {
    await vault.close()
    throw error
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

async function tokenKeys(
  { config, environment, log }: VaultParts,
  shared: SharedStore,
): Promise<{ readonly key: Buffer; readonly previousKeys: readonly Buffer[] }> {
  const { key, keyIsOwn, previousKeys } = config.phi.tokens
  if (keyIsOwn && key.kind === 'file') await makeOwnKey(key.file, config.store, shared, log)
  return {
    key: readKey(key, 'phi.tokens.key', environment),
    previousKeys: previousKeys.map((reference, index) =>
      readKey(reference, `phi.tokens.previousKeys[${index}]`, environment),
    ),
  }
}

/** A store that holds tokens without their key has lost it: a new one would open nothing, and hide that. */
async function makeOwnKey(file: string, config: StoreConfig, shared: SharedStore, log: Log): Promise<void> {
  if (config.kind === 'embedded' && !existsSync(file) && (await mayHoldTokens(config.directory, shared))) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the key file ${file} is missing, and the store in ${config.directory} is encrypted under it`,
      hint: 'Put the copy of the key back, or remove the store: its tokens are worthless without the key.',
    })
  }
  if (!makeKeyFile(file, 'base64')) return
  log.info({ file }, 'made a key for the stored tokens; keep a copy of it in a safe place, apart from the store')
}

/** A store that cannot be asked may hold them as soon as there is anything in it. */
async function mayHoldTokens(directory: string, { store, isThere }: SharedStore): Promise<boolean> {
  return isThere ? (await tokenRepository(store).keyIds()).length > 0 : isInUse(directory)
}

const isInUse = (directory: string): boolean => existsSync(directory) && readdirSync(directory).length > 0
