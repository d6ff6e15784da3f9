import { createDecipheriv, createHash, hash } from 'node:crypto'
import {
  BODY_KEY_DOMAIN,
  BODY_KEY_ID_DOMAIN,
  CIPHER,
  ENTRY_PREFIX_BYTES,
  KEY_BYTES,
  LINE_PREFIX,
  NONCE_BYTES,
  SALT_BYTES,
  TAG_BYTES,
} from './format.ts'

/** The reading half of the encryption. It shares the description of the format with the writing half, and no code. */

/** What a block is bound to. */
export interface BlockPlace {
  readonly domain: string
  readonly origin: string
  readonly segment: number
  readonly first: number
  readonly count: number
}

export interface BodyEntry {
  readonly seq: number
  /** Salt and body, whose SHA-256 is the commitment. */
  readonly salted: Buffer
  readonly body: Buffer
}

/** Which body key a `bodiesKey` line was made with; undefined when the line cannot be read. */
export function wrappedKeyOf(line: string): { readonly id: string; readonly wrapped: Buffer } | undefined {
  const value = member(line, 'bodiesKey')
  if (typeof value !== 'object' || value === null) return undefined
  const { id, wrapped } = value as { readonly id?: unknown; readonly wrapped?: unknown }
  return typeof id === 'string' && typeof wrapped === 'string'
    ? { id, wrapped: Buffer.from(wrapped, 'base64') }
    : undefined
}

export function idOfBodyKey(bodyKey: Buffer): string {
  return createHash('sha256').update(`${BODY_KEY_ID_DOMAIN}\n`).update(bodyKey).digest('hex').slice(0, 16)
}

/** The key of a segment's bodies; undefined when the wrapped key does not open, so it was changed. */
export function unwrapBodiesKey(bodyKey: Buffer, wrapped: Buffer, origin: string, segment: number): Buffer | undefined {
  const key = decrypt(
    bodyKey,
    wrapped.subarray(0, NONCE_BYTES),
    wrapped.subarray(NONCE_BYTES),
    `${BODY_KEY_DOMAIN}\n${origin}\n${segment}\n`,
  )
  return key?.length === KEY_BYTES ? key : undefined
}

/** The plain bytes of a `bodies` or `sealed` line; undefined when it does not open under this key at this place. */
export function openBlock(key: Buffer, line: string, place: BlockPlace): Buffer | undefined {
  const prefix = line.startsWith(LINE_PREFIX.bodies) ? LINE_PREFIX.bodies : LINE_PREFIX.sealed
  const block = Buffer.from(line.slice(prefix.length, -2), 'base64')
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUIntBE(place.first, NONCE_BYTES - 6, 6)
  const associated = `${place.domain}\n${place.origin}\n${place.segment}\n${place.first}\n${place.count}\n`
  return decrypt(key, nonce, block, associated)
}

/** @throws RangeError when the block is not made of whole entries. */
export function bodyEntries(plain: Buffer): readonly BodyEntry[] {
  return entries(plain, SALT_BYTES).map(({ seq, bytes }) => ({ seq, salted: bytes, body: bytes.subarray(SALT_BYTES) }))
}

/** @throws RangeError when the block is not made of whole entries. */
export function exactEntries(plain: Buffer): readonly { readonly seq: number; readonly bytes: Buffer }[] {
  return entries(plain, 0)
}

/** SHA-256 (hex) of salt and body. */
export function commitmentOf(entry: BodyEntry): string {
  return hash('sha256', entry.salted, 'hex')
}

function entries(plain: Buffer, salt: number): { readonly seq: number; readonly bytes: Buffer }[] {
  const found: { readonly seq: number; readonly bytes: Buffer }[] = []
  let position = 0
  while (position < plain.length) {
    const start = position + ENTRY_PREFIX_BYTES
    const seq = plain.readUIntBE(position + 2, 6)
    const end = start + salt + plain.readUInt32BE(position + 8)
    if (end > plain.length) throw new RangeError('an entry goes beyond its block')
    found.push({ seq, bytes: plain.subarray(start, end) })
    position = end
  }
  return found
}

function decrypt(key: Buffer, nonce: Buffer, sealed: Buffer, associated: string): Buffer | undefined {
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(associated))
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES))
  try {
    decipher.final()
    return plain
  } catch {
    // The only way final() fails is a tag that does not match, and the return value says so.
    return undefined
  }
}

/** A member of a one-line JSON object; undefined when the line is not one. */
export function member(line: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
