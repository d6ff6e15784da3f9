import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { safeReturn } from './page-routes.ts'
import type { WebListener } from './web-listener.ts'
import { approvalsOf, FakeDesk, operationRequest, startTestListener } from './web-test-support.ts'

const ID = 'apr-0123456789ab'
const BODY = '{"verdict":{"kind":"approve-once"},"rationale":"as agreed"}'

let listener: WebListener
let desk: FakeDesk
beforeAll(async () => {
  desk = new FakeDesk(operationRequest(ID))
  listener = await startTestListener({ approvals: approvalsOf(desk) })
})
afterAll(() => listener?.close())

/** All that comes back until the other side closes, or has been silent for a while. */
function raw(...lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(listener.port, '127.0.0.1', () => socket.write(lines.join('\r\n')))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (part: Buffer) => (text += part.toString()))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const statusesIn = (answer: string): readonly string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status)
const HEAD = ['Host: gateway', 'Connection: close', 'Authorization: Bearer ana', 'Content-Type: application/json']
const DECIDE = `POST /v1/approvals/${ID}/decision HTTP/1.1`

describe('what a proxy in front could take for something else', () => {
  it.each<readonly [string, readonly string[]]>([
    ['two lengths', [DECIDE, ...HEAD, 'Content-Length: 5', `Content-Length: ${BODY.length}`, '', BODY]],
    [
      'a length and chunks',
      [DECIDE, ...HEAD, `Content-Length: ${BODY.length}`, 'Transfer-Encoding: chunked', '', BODY],
    ],
    ['an encoding that is none', [DECIDE, ...HEAD, 'Transfer-Encoding: xchunked', '', BODY]],
    ['a blank before the colon', [DECIDE, ...HEAD, `Content-Length : ${BODY.length}`, '', BODY]],
    ['a folded header', [DECIDE, ...HEAD, 'X-A: b', ` Content-Length: ${BODY.length}`, '', BODY]],
    ['no host', [DECIDE, ...HEAD.slice(1), `Content-Length: ${BODY.length}`, '', BODY]],
    ['a NUL in a header', [DECIDE, ...HEAD, 'X-A: b\0c', `Content-Length: ${BODY.length}`, '', BODY]],
  ])('%s: decides nothing', async (_, lines) => {
    const statuses = statusesIn(await raw(...lines))
    expect(desk.decided).toEqual([])
    for (const status of statuses) expect(status).toMatch(/^4/)
  })

  it.each<readonly [string, string, readonly string[]]>([
    [
      'two tokens in one header',
      '401',
      [
        DECIDE,
        'Host: gateway',
        'Connection: close',
        'Authorization: Bearer ana, Bearer ben',
        'Content-Type: application/json',
        `Content-Length: ${BODY.length}`,
        '',
        BODY,
      ],
    ],
    [
      'an origin twice',
      '403',
      [
        DECIDE,
        ...HEAD,
        'Origin: https://gateway.example.org',
        'Origin: https://evil.example',
        `Content-Length: ${BODY.length}`,
        '',
        BODY,
      ],
    ],
    ['the origin null', '403', [DECIDE, ...HEAD, 'Origin: null', `Content-Length: ${BODY.length}`, '', BODY]],
    [
      'another content type',
      '415',
      [
        DECIDE,
        'Host: gateway',
        'Connection: close',
        'Authorization: Bearer ana',
        'Content-Type: text/plain',
        `Content-Length: ${BODY.length}`,
        '',
        BODY,
      ],
    ],
    [
      'a method in a header',
      '404',
      [`GET /v1/approvals/${ID}/decision HTTP/1.1`, ...HEAD, 'X-HTTP-Method-Override: POST', '', ''],
    ],
    [
      'another path in a header',
      '200',
      [`GET /v1/health HTTP/1.1`, ...HEAD, `X-Original-URL: /v1/approvals/${ID}`, '', ''],
    ],
  ])('%s: %s, and decides nothing', async (_, status, lines) => {
    const answer = await raw(...lines)
    expect(statusesIn(answer)).toEqual([status])
    expect(desk.decided).toEqual([])
    expect(answer).not.toMatch(/access-control-allow/i)
  })
})

describe('a request that asks for what there is not', () => {
  it.each([
    'OPTIONS /v1/approvals HTTP/1.1',
    'TRACE /v1/approvals HTTP/1.1',
    'HEAD /v1/approvals HTTP/1.1',
    'PUT /v1/approvals HTTP/1.1',
    'GET http://evil.example/v1/health HTTP/1.1',
    'GET //v1/health HTTP/1.1',
    'GET /v1/approvals/..%2fme HTTP/1.1',
    'GET /v1/approvals/%00 HTTP/1.1',
    'GET /v1/approvals/%ff<script>evil HTTP/1.1',
    'GET /v1/approvals/%evil HTTP/1.1',
    'GET /v1/approvals?state=pending&state=used HTTP/1.1',
    'GET /v1/approvals?limit=1e9 HTTP/1.1',
    'GET /sign-in?to=%0d%0aSet-Cookie:a=b HTTP/1.1',
    'CONNECT evil.example:443 HTTP/1.1',
    'GET /v1/health HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings',
    `GET /v1/health HTTP/1.1\r\nX-Long: ${'x'.repeat(40_000)}`,
  ])('%s', async (line) => {
    const answer = await raw(line, ...HEAD, 'Origin: https://evil.example', '', '')
    for (const status of statusesIn(answer)) expect(status).toMatch(line.includes('/v1/health') ? /^[24]/ : /^4/)
    if (answer.includes('{')) expect(answer).toMatch(/x-content-type-options: nosniff|^HTTP\/1.1 431/)
    expect(answer).not.toMatch(/access-control-allow|set-cookie: a|\.ts:|evil|stack/i)
  })
})

describe('the way back from a sign-in', () => {
  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/approvals/../../evil',
    '/approvals//evil.example',
    '/approvals\r\nSet-Cookie: a=b',
    '/approvals/apr-1\n',
    '/approvals?to=//evil.example',
    '/approvals#//evil.example',
    'javascript:alert(1)',
    ['/approvals', '//evil.example'],
    { toString: () => '/approvals' },
    undefined,
  ])('is a page of this gateway, not %j', (to) => {
    expect(safeReturn(to)).toBe('/approvals')
  })
})
