import { request } from 'node:http'
import type { AdminConfig } from '../src/config/config.ts'
import { ChaperoneError } from '../src/lib/errors.ts'

export interface AdminAnswer {
  readonly status: number
  readonly body: string
}

/** The gateway takes up to a minute to count tokens, and ten to delete them. */
const READ_MS = 90_000
const CHANGE_MS = 11 * 60_000

/** Asks the admin API of a running gateway. Rejects with a clear error when none answers. */
export const adminGet = (admin: AdminConfig, path: string): Promise<AdminAnswer> => adminAsk(admin, 'GET', path)

/** The same with another method. What changes something needs the socket. */
export function adminAsk(
  admin: AdminConfig,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: string,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const place = admin.kind === 'socket' ? { socketPath: admin.path } : { host: '127.0.0.1', port: admin.port }
    const outgoing = request(
      { ...place, path, method, timeout: method === 'GET' ? READ_MS : CHANGE_MS },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
        )
        response.on('error', reject)
      },
    )
    outgoing.on('error', (cause) => {
      const where = admin.kind === 'socket' ? admin.path : `127.0.0.1:${admin.port}`
      const message = `no gateway answers on ${where}`
      reject(
        new ChaperoneError('CHP-TARGET-UNREACHABLE', {
          message,
          hint: 'Is "chaperone serve" running with this configuration?',
          cause,
        }),
      )
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.end(body)
  })
}
