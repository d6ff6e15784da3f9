import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CertificateFiles, makeCertificates } from '../../demo/certificates.ts'
import { HttpDetector } from './http-detector.ts'

const directory = mkdtempSync(join(tmpdir(), 'chaperone-detector-'))
let server: Server
let files: CertificateFiles

beforeAll(async () => {
  files = await makeCertificates(directory)
  server = createServer(
    { cert: readFileSync(files.serverCertFile), key: readFileSync(files.serverKeyFile) },
    (_, response) => response.end('[]'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(directory, { recursive: true })
})

async function ask(host: string, ca: string | undefined): Promise<unknown> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
  const { port } = server.address() as AddressInfo
  const settings = { authorization: undefined, timeoutMs: 2000, language: 'en', scoreThreshold: 0.3, concurrency: 1 }
  const detector = new HttpDetector(
    { ...settings, url: `https://${host}:${port}/analyze`, ca, maxTextLength: 100, cacheSize: 0, entities: {} },
    () => 0,
  )
  try {
    return await detector.fetch(['text'])
  } finally {
    detector.close()
  }
}

describe('the certificate of the service', () => {
  it('is verified against the certificate authority that is given', async () => {
    expect(await ask('localhost', readFileSync(files.caFile, 'utf8'))).toEqual([[]])
  })

  it('is verified against those of the runtime otherwise, whatever the environment says', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await expect(ask('localhost', undefined)).rejects.toMatchObject({
        code: 'CHP-DETECTOR-UNAVAILABLE',
        reason: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/),
      })
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })
})
