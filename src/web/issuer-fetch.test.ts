import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates } from '../../demo/certificates.ts'
import { issuerFetch } from './issuer-fetch.ts'

let directory: string
let caFile: string
let server: Server
let url: string
const seen: string[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  const certificates = await makeCertificates(directory)
  caFile = certificates.caFile
  const tls = { cert: await readFile(certificates.serverCertFile), key: await readFile(certificates.serverKeyFile) }
  server = createServer(tls, (request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${request.headers['content-type'] ?? ''} ${body}`)
      if (request.url === '/moved') response.writeHead(302, { location: '/token' }).end()
      else if (request.url === '/endless') response.writeHead(200).end(Buffer.alloc(2 * 1024 * 1024))
      else response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `https://localhost:${typeof address === 'object' ? address?.port : ''}`
})
afterAll(async () => {
  server.close()
  await rm(directory, { recursive: true, force: true })
})

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const ask = (path: string, file = caFile) =>
  issuerFetch(file)(`${url}${path}`, {
    method: 'POST',
    headers: FORM,
    body: new URLSearchParams({ code: 'a b' }),
    redirect: 'manual',
  })

describe('asking an issuer with a private authority', () => {
  it('sends forms, and takes refusals with their body', async () => {
    const response = await ask('/token')
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/json'])
    expect(await response.json()).toEqual({ error: 'invalid_grant' })
    expect(seen.at(-1)).toBe('POST /token application/x-www-form-urlencoded code=a+b')
  })

  it('follows no redirect, takes no endless answer, and trusts no other authority', async () => {
    expect((await ask('/moved')).status).toBe(302)
    expect(seen.at(-1)).toContain('/moved')
    await expect(ask('/endless')).rejects.toThrow('too long')
    await expect(ask('/token', join(directory, 'absent'))).rejects.toThrow('ENOENT')
    await expect(fetch(`${url}/token`)).rejects.toThrow('fetch failed')
  })
})
