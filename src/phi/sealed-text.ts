import { hkdfSync } from 'node:crypto'
import { aessiv } from '@noble/ciphers/aes.js'
import { GenerationalCache } from '../lib/generational-cache.ts'
import { BASE32, fromBase32, toBase32 } from './base32.ts'

/** Deterministic encryption of short texts, so that the same text is always sealed alike and can be opened again. */
export interface SealedTexts {
  /** In digits of base 32; undefined for a text that is too long. */
  seal(text: string): string | undefined
  /** Undefined for what was not sealed with one of the keys. */
  open(sealed: string): string | undefined
}

/** Two keys of 32 bytes: AES-256 in SIV mode (RFC 5297, section 2.2). */
const KEY_BYTES = 64
const BLOCK = 16
const MAX_BYTES = 256
/** Two digits in front say which key it was, so that the others need not be tried. */
const ID_DIGITS = 2
/** Sealing costs tens of microseconds. */
const CACHE_ENTRIES = 50_000
const CACHE_BYTES = 16 * 1024 * 1024

interface Key {
  readonly id: string
  /** A new object each time: the library lets each be used once, because other modes must not repeat a nonce. */
  readonly cipher: () => ReturnType<typeof aessiv>
}

/**
 * AES-SIV (RFC 5297) under keys that are derived with HKDF-SHA-256 (RFC 5869). The text is padded to whole blocks (ISO/IEC
 * 9797-1, method 2), so that its length shows in steps of 16 bytes only.
 *
 * @param masters of 32 bytes: the first one seals, all of them open
 * @param purpose what is sealed for another purpose cannot be matched or opened
 */
export function sealedTexts(masters: readonly [Buffer, ...Buffer[]], purpose: string): SealedTexts {
  const keys = masters.map((master) => derived(master, purpose))
  const [current] = keys
  const cache = new GenerationalCache<string>(CACHE_ENTRIES, CACHE_BYTES)
  return {
    seal: (text) => {
      const known = cache.get(text)
      if (known !== undefined || current === undefined) return known
      const bytes = Buffer.from(text)
      if (bytes.length > MAX_BYTES) return undefined
      const sealed = current.id + toBase32(current.cipher().encrypt(padded(bytes)))
      cache.set(text, sealed, (text.length + sealed.length) * 2)
      return sealed
    },
    open: (sealed) => {
      const bytes = fromBase32(sealed.slice(ID_DIGITS))
      if (bytes === undefined || bytes.length < 2 * BLOCK || bytes.length % BLOCK !== 0) return undefined
      for (const { id, cipher } of keys) {
        const text = sealed.startsWith(id) ? opened(cipher(), bytes) : undefined
        if (text !== undefined) return text
      }
      return undefined
    },
  }
}

function derived(master: Buffer, purpose: string): Key {
  const derive = (use: string, size: number) =>
    Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), ['chaperone sealed text', use, purpose].join('\0'), size))
  const id = [...derive('id', ID_DIGITS)].map((byte) => BASE32[byte & 31]).join('')
  const key = derive('key', KEY_BYTES)
  const associated = Buffer.from(purpose)
  return { id, cipher: () => aessiv(key, associated) }
}

function padded(text: Buffer): Buffer {
  const bytes = Buffer.alloc((Math.floor(text.length / BLOCK) + 1) * BLOCK)
  text.copy(bytes)
  bytes[text.length] = 0x80
  return bytes
}

/** Undefined when the tag does not fit: sealed with another key, for another purpose, or changed. */
function opened(cipher: ReturnType<typeof aessiv>, bytes: Buffer): string | undefined {
  let plain: Uint8Array
  try {
    plain = cipher.decrypt(bytes)
  } catch {
    return undefined
  }
  const end = plain.lastIndexOf(0x80)
  return Buffer.from(plain.subarray(0, end)).toString('utf8')
}
