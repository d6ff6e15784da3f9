import { createHmac, hash } from 'node:crypto'

/** Of SHA-256, in bytes. */
const BLOCK = 64
const DIGEST = 32
/** Longer values take the ordinary way. */
const MAX_SHORT = 4096
const INNER = 0x36
const OUTER = 0x5c

/**
 * HMAC-SHA-256 (RFC 2104) of a part of a buffer, for many short values under one key: two plain digests over buffers that
 * are used again cost about half of what an Hmac object a value does.
 *
 * @param key at most 64 bytes.
 */
export function hmacSha256(key: Buffer): (source: Buffer, start: number, end: number) => Buffer {
  const inner = padded(key, INNER, BLOCK + MAX_SHORT)
  const outer = padded(key, OUTER, BLOCK + DIGEST)
  return (source, start, end) => {
    const length = end - start
    if (length > MAX_SHORT) return createHmac('sha256', key).update(source.subarray(start, end)).digest()
    source.copy(inner, BLOCK, start, end)
    hash('sha256', inner.subarray(0, BLOCK + length), 'buffer').copy(outer, BLOCK)
    return hash('sha256', outer, 'buffer')
  }
}

function padded(key: Buffer, pad: number, size: number): Buffer {
  const buffer = Buffer.alloc(size)
  buffer.fill(pad, 0, BLOCK)
  for (const [i, byte] of key.entries()) buffer[i] = byte ^ pad
  return buffer
}
