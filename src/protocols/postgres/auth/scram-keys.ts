import { hash, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from './saslprep.ts'
import type { ScramChallenge } from './scram.ts'

const KEY_BYTES = 32
/** One entry an account that is used; an account has one salt until its password changes. */
const MAX_KEYS = 64

const derive = promisify(pbkdf2)

/**
 * SaltedPassword of RFC 5802, derived off the event loop and remembered: a target's salt stays the same, and deriving takes
 * milliseconds that every connection would pay. What is kept is as secret as the password, and is held in memory only.
 */
export class ScramKeys {
  readonly #keys = new Map<string, Promise<Buffer>>()

  saltedPassword(password: string, { salt, iterations }: ScramChallenge): Promise<Buffer> {
    const name = `${hash('sha256', password, 'hex')} ${salt.toString('hex')} ${iterations}`
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = derive(saslprep(password), salt, iterations, KEY_BYTES, 'sha256')
      const [oldest] = this.#keys.keys()
      if (this.#keys.size >= MAX_KEYS && oldest !== undefined) this.#keys.delete(oldest)
      this.#keys.set(name, key)
    }
    return key
  }
}
