import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import type { CustomFetch } from 'openid-client'

const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * What openid-client asks an issuer with whose certificate is of a private authority: the built-in fetch knows those of the
 * runtime only. No redirects; the file is read anew each time, because authorities are rotated.
 */
export const issuerFetch =
  (caFile: string): CustomFetch =>
  async (url, { method, headers, body, signal }) => {
    const ca = await readFile(caFile, 'utf8')
    return new Promise((resolve, reject) => {
      const asked = request(url, {
        method,
        headers,
        ca,
        agent: false,
        minVersion: 'TLSv1.2',
        ...(signal && { signal }),
      })
      asked.on('error', reject)
      asked.on('response', (answer) => {
        const parts: Buffer[] = []
        let length = 0
        answer.on('data', (part: Buffer) => {
          length += part.length
          if (length > MAX_ANSWER_BYTES) answer.destroy(new Error('the answer is too long'))
          else parts.push(part)
        })
        answer.on('error', reject)
        answer.on('end', () => {
          const { statusCode: status = 502, headers: received } = answer
          const type = received['content-type'] ?? ''
          const isBare = status < 200 || status === 204 || status === 304
          resolve(new Response(isBare ? null : Buffer.concat(parts), { status, headers: { 'content-type': type } }))
        })
      })
      // openid-client sends forms, and nothing else.
      asked.end(body instanceof URLSearchParams ? body.toString() : undefined)
    })
  }
