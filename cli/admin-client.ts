import { request } from 'node:http'
import type { AdminConfig } from '../src/config/config.ts'
import { ChaperoneError } from '../src/lib/errors.ts'

/** Asks the admin API of a running gateway. Rejects with a clear error when none answers. */
export function adminGet(
  admin: AdminConfig,
  path: string,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const place = admin.kind === 'socket' ? { socketPath: admin.path } : { host: '127.0.0.1', port: admin.port }
    const outgoing = request({ ...place, path, method: 'GET', timeout: 30_000 }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      )
      response.on('error', reject)
    })
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
    outgoing.end()
  })
}
