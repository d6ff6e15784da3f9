import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { Readable } from 'node:stream'
import { codeOf } from '../../lib/error-code.ts'
import { FetchFailed } from './bounded-fetch.ts'

/**
 * A fetch for https servers with certificates of private authorities, such as a Kubernetes API server: the built-in one
 * knows those of the runtime only. GET without a body, no redirects, nothing kept open. The file is read anew each time,
 * because authorities are rotated.
 * @throws FetchFailed
 */
export async function fetchTrusting(caFile: string): Promise<typeof fetch> {
  let ca: string
  try {
    ca = await readFile(caFile, 'utf8')
  } catch (error) {
    throw new FetchFailed(`the file of its authorities cannot be read (${codeOf(error) ?? 'error'})`)
  }
  return (url, { headers, signal } = {}) =>
    new Promise((resolve, reject) => {
      const asked = request(urlOf(url), {
        method: 'GET',
        agent: false,
        ca,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.2',
        headers: Object.fromEntries(new Headers(headers)),
        ...(signal ? { signal } : {}),
      })
      // The body passes an error on to whoever reads it; one that comes later has nobody left to tell.
      asked.on('error', (error) =>
        reject(signal?.aborted === true ? signal.reason : new Error('fetch failed', { cause: error })),
      )
      asked.on('response', (answer) => {
        const { statusCode = 0 } = answer
        // A status that is none would be an exception here, where nobody could catch it.
        const status = statusCode >= 200 && statusCode < 600 ? statusCode : 502
        resolve(new Response(statusCode === 200 ? Readable.toWeb(answer) : null, { status }))
        if (statusCode !== 200) answer.destroy()
      })
      asked.end()
    })
}

const urlOf = (input: Parameters<typeof fetch>[0]): string | URL => (input instanceof Request ? input.url : input)
