import { createHmac, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryOutbox } from './memory-outbox.ts'
import type { OutboxMessage } from './outbox.ts'
import { retryDelay } from './retry-delay.ts'
import { isWebhookUrl } from './webhook-request.ts'
import { WebhookSender, type WebhookSenderOptions } from './webhook-sender.ts'
import { parseSecret, signedHeaders } from './webhook-signature.ts'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`

const cleanUps: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
})

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly path: string | undefined
}

/** A receiver that answers so. */
async function receiver(answer: (response: ServerResponse, count: number) => void) {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString(), path: request.url })
      answer(response, received.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => {
    server.closeAllConnections()
    server.close()
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/hook`, received }
}

const ok = (response: ServerResponse) => response.writeHead(204).end()
const webhook = (name: string, url: string, secret = SECRET) => ({
  name,
  url,
  ca: undefined,
  secret: () => Promise.resolve(secret),
})
const message = (id: string, name = 'pager'): OutboxMessage => ({
  id,
  webhook: name,
  body: `{"type":"t","id":"${id}"}`,
})

function sender(webhooks: WebhookSenderOptions['webhooks'], more: Partial<WebhookSenderOptions> = {}) {
  const failures: string[] = []
  const givenUp: string[] = []
  const one = new WebhookSender({
    outbox: memoryOutbox(1000),
    webhooks,
    clock: () => 1_800_000_000_123,
    onFailure: (name, reason) => failures.push(`${name}: ${reason}`),
    onGivenUp: (name, reason) => givenUp.push(`${name}: ${reason}`),
    timeoutMs: 300,
    pollMs: 20,
    retryAfter: (attempts) => (attempts < 3 ? 10 : undefined),
    ...more,
  })
  cleanUps.push(() => one.close())
  return { sender: one, failures, givenUp }
}

describe('a message', () => {
  it('is signed as Standard Webhooks says', async () => {
    const { url, received } = await receiver(ok)
    await sender([webhook('pager', url)]).sender.send([message('msg_1')])
    await vi.waitFor(() => expect(received).toHaveLength(1))
    const [first] = received
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'msg_1',
      'webhook-timestamp': '1800000000',
    })
    const expected = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64')).update(
      `msg_1.1800000000.${first?.body}`,
    )
    expect(first?.headers['webhook-signature']).toBe(`v1,${expected.digest('base64')}`)
  })

  it('has the signature of the example of the specification', () => {
    const secret = parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw') ?? Buffer.alloc(0)
    expect(signedHeaders(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_000)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it('is delivered again until somebody takes it, with the same id', async () => {
    const { url, received } = await receiver((response, count) => response.writeHead(count < 3 ? 503 : 200).end())
    const { sender: one, failures } = sender([webhook('pager', url)])
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(received).toHaveLength(3))
    expect(new Set(received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['msg_1']))
    expect(failures).toEqual(['pager: status 503', 'pager: status 503'])
    await new Promise((resolve) => setTimeout(resolve, 80))
    expect(received).toHaveLength(3)
  })

  it('is given up in the end, and the operator is told', async () => {
    const { url, received } = await receiver((response) => response.writeHead(500).end())
    const { sender: one, givenUp } = sender([webhook('pager', url)])
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(givenUp).toEqual(['pager: status 500']))
    expect(received).toHaveLength(4)
  })

  it('is given up at once when the receiver is gone for good', async () => {
    const { url, received } = await receiver((response) => response.writeHead(410).end())
    const { sender: one, givenUp } = sender([webhook('pager', url)])
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(givenUp).toEqual(['pager: status 410']))
    expect(received).toHaveLength(1)
  })

  it('follows no redirect', async () => {
    const other = await receiver(ok)
    const { url } = await receiver((response) => response.writeHead(307, { location: other.url }).end())
    const { sender: one, failures } = sender([webhook('pager', url)])
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(failures).toContain('pager: status 307'))
    expect(other.received).toEqual([])
  })

  it('does not wait for an answer without end', async () => {
    const { url, received } = await receiver((response) => {
      response.writeHead(200)
      setInterval(() => response.write('x'.repeat(1000)), 5).unref()
    })
    const { sender: one, failures } = sender([webhook('pager', url)])
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(received).toHaveLength(1))
    await one.close()
    expect(failures).toEqual([])
  })

  it('of one webhook does not wait for another that hangs, refuses or is not there', async () => {
    const good = await receiver(ok)
    const hanging = await receiver(() => undefined)
    const deaf = createTcpServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
    cleanUps.push(() => void deaf.close())
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
    const { port } = deaf.address() as AddressInfo
    const { sender: one, failures } = sender(
      [
        webhook('hanging', hanging.url),
        webhook('deaf', `http://127.0.0.1:${port}/`),
        webhook('absent', 'http://127.0.0.1:9/'),
        webhook('good', good.url),
      ],
      { timeoutMs: 2000 },
    )
    const names = ['hanging', 'deaf', 'absent', 'good']
    const begun = performance.now()
    await one.send(names.flatMap((name) => Array.from({ length: 20 }, (_, i) => message(`msg_${name}_${i}`, name))))
    await vi.waitFor(() => expect(good.received).toHaveLength(20))
    expect(performance.now() - begun).toBeLessThan(1500)
    await vi.waitFor(() => expect(failures).toContain('absent: ECONNREFUSED'))
    expect(failures).toContain('deaf: ECONNRESET')
  })

  it('ends in time when the receiver says nothing', async () => {
    const { url } = await receiver(() => undefined)
    const { sender: one, failures } = sender([webhook('pager', url)], { timeoutMs: 50 })
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(failures[0]).toBe('pager: no answer in time'))
  })

  it('is not sent without a secret, and kept', async () => {
    const { url, received } = await receiver(ok)
    const bad = { ...webhook('pager', url), secret: () => Promise.reject(new Error('PHI')) }
    const outbox = memoryOutbox(10)
    const { sender: one, failures } = sender([bad], { outbox })
    await one.send([message('msg_1')])
    await vi.waitFor(() => expect(failures[0]).toBe('pager: the secret cannot be read, or is none'))
    expect(received).toEqual([])
    await one.close()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await outbox.claim('pager', 1, 1)).toHaveLength(1)
  })

  it('stays in the outbox when the sender stops', async () => {
    const { url } = await receiver(() => undefined)
    const outbox = memoryOutbox(10)
    const { sender: one, failures } = sender([webhook('pager', url)], { outbox, timeoutMs: 60_000 })
    await one.send([message('msg_1')])
    await new Promise((resolve) => setTimeout(resolve, 30))
    await one.close()
    expect(failures).toEqual([])
    expect(await outbox.claim('pager', 1, 1)).toHaveLength(1)
  })
})

describe('secrets and addresses', () => {
  it.each([
    '',
    'whsec_',
    'whsec_c2hvcnQ=',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_***',
    `whsec_${'A'.repeat(100)}`,
  ])('%s is no secret', (text) => expect(parseSecret(text)).toBeUndefined())

  it.each([
    ['https://pager.example/hook', true],
    ['http://127.0.0.1:8080/hook', true],
    ['http://pager.example/hook', false],
    ['https://user:secret@pager.example/', false],
    ['ftp://127.0.0.1/', false],
    ['pager', false],
  ])('%s: %s', (url, isOne) => expect(isWebhookUrl(url)).toBe(isOne))
})

describe('retryDelay', () => {
  it('grows to an hour, for a day', () => {
    const delays = Array.from({ length: 12 }, (_, attempts) => retryDelay(attempts, 0, () => 0.5))
    expect(delays.slice(0, 4)).toEqual([5000, 10_000, 20_000, 40_000])
    expect(delays.at(-1)).toBe(3_600_000)
    expect(retryDelay(0, 0, () => 0)).toBe(2500)
    expect(retryDelay(5000, 86_399_999, () => 0.999)).toBeLessThan(5_400_001)
    expect(retryDelay(3, 86_400_000)).toBeUndefined()
  })
})

describe('memoryOutbox', () => {
  it('keeps the newest when there are too many', async () => {
    const outbox = memoryOutbox(2)
    await outbox.add(['msg_1', 'msg_2', 'msg_3'].map((id) => message(id)))
    expect((await outbox.claim('pager', 10, 1000)).map(({ id }) => id)).toEqual(['msg_2', 'msg_3'])
  })

  it('gives a message to one at a time, and back to whoever comes when it is not heard of', async () => {
    const time = { now: 0 }
    const outbox = memoryOutbox(10, () => time.now)
    await outbox.add([message('msg_1')])
    expect(await outbox.claim('pager', 10, 100)).toMatchObject([{ id: 'msg_1', attempts: 0, ageMs: 0 }])
    expect(await outbox.claim('pager', 10, 100)).toEqual([])
    time.now = 100
    expect(await outbox.claim('pager', 10, 100)).toMatchObject([{ id: 'msg_1', attempts: 1, ageMs: 100 }])
    expect(await outbox.claim('other', 10, 100)).toEqual([])
  })
})
