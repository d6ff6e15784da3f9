import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpDetector, type HttpDetectorSettings } from './http-detector.ts'

type Answer = (body: { readonly text: string }, request: IncomingMessage, response: ServerResponse) => unknown

const cleanUps: (() => void)[] = []
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

const SETTINGS: Omit<HttpDetectorSettings, 'url'> = {
  ca: undefined,
  authorization: undefined,
  timeoutMs: 2000,
  language: 'en',
  scoreThreshold: 0.3,
  concurrency: 2,
  maxTextLength: 1000,
  cacheSize: 100,
  entities: {},
}

/** A detector with a service that answers so; what is not undefined is sent as JSON. */
async function start(answer: Answer, settings: Partial<HttpDetectorSettings> = {}) {
  const bodies: string[] = []
  const time = { now: 1_000_000 }
  let most = 0
  let open = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    open += 1
    most = Math.max(most, open)
    response.on('close', () => {
      open -= 1
    })
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      bodies.push(body)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the detector has sent
      const given = answer(JSON.parse(body) as { text: string }, request, response)
      if (given !== undefined) response.end(JSON.stringify(given))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
  const { port } = server.address() as AddressInfo
  const detector = new HttpDetector(
    { ...SETTINGS, url: `http://127.0.0.1:${port}/analyze`, ...settings },
    () => time.now,
  )
  cleanUps.push(() => {
    detector.close()
    server.closeAllConnections()
    server.close()
  })
  return { detector, bodies, time, most: () => most }
}

const finding = (entity: string, begin: number, end: number) => ({ entity_type: entity, start: begin, end, score: 0.9 })
const unavailable = (reason: string | RegExp) =>
  expect.objectContaining({ code: 'CHP-DETECTOR-UNAVAILABLE', reason: expect.stringMatching(reason) })

describe('HttpDetector', () => {
  it('asks as the Presidio analyzer is asked, and calls entities by classes', async () => {
    let header: string | undefined
    const { detector, bodies } = await start(
      (_, request) => {
        header = request.headers.authorization
        return [
          { ...finding('PERSON', 0, 5), analysis_explanation: null },
          finding('US_SSN', 7, 9),
          finding('ODD', 9, 10),
        ]
      },
      { authorization: 'Bearer secret' },
    )
    expect(await detector.fetch(['Asdra was seen'])).toEqual([
      [
        { start: 0, end: 5, class: 'name', detector: 'http' },
        { start: 7, end: 9, class: 'ssn', detector: 'http' },
        { start: 9, end: 10, class: 'other-id', detector: 'http' },
      ],
    ])
    expect(bodies).toEqual(['{"text":"Asdra was seen","language":"en","score_threshold":0.3}'])
    expect(header).toBe('Bearer secret')
  })

  it('knows entities that the operator has named, and leaves out those that are none', async () => {
    const entities = { WARD: 'other-id', DATE_TIME: 'none', PERSON: 'free-text' } as const
    const { detector } = await start(
      () => [finding('WARD', 0, 1), finding('DATE_TIME', 1, 2), finding('PERSON', 2, 3), finding('constructor', 3, 4)],
      { entities },
    )
    const [spans] = await detector.fetch(['abcd'])
    expect(spans?.map((span) => span.class)).toEqual(['other-id', 'free-text', 'other-id'])
  })

  it('counts code points where the service does', async () => {
    const { detector } = await start(({ text }) => [finding('PERSON', 2, Array.from(text).length)])
    expect(await detector.fetch(['𝒜 Asdra'])).toEqual([[expect.objectContaining({ start: 3, end: 8 })]])
  })

  it('keeps the order of the texts, and asks a bounded number at a time', async () => {
    const { detector, most } = await start(({ text }, _, response) => {
      const delay = text === 'text 0' ? 40 : 5
      setTimeout(() => response.end(JSON.stringify([finding('PERSON', 0, Number(text.slice(5)) + 1)])), delay)
      return undefined
    })
    const texts = Array.from({ length: 6 }, (_, i) => `text ${i}`)
    const found = await detector.fetch(texts)
    expect(found.map(([span]) => span?.end)).toEqual([1, 2, 3, 4, 5, 6])
    expect(most()).toBe(2)
  })

  it('remembers answers, and forgets those that were not used for longest', async () => {
    const { detector, bodies } = await start(() => [], { cacheSize: 2 })
    expect(detector.find('a')).toBe(undefined)
    await detector.fetch(['a', 'b'])
    expect([detector.find('a'), detector.find('b')]).toEqual([[], []])
    detector.find('a')
    await detector.fetch(['c'])
    expect([detector.find('a'), detector.find('b'), detector.find('c')]).toEqual([[], undefined, []])
    expect(bodies).toHaveLength(3)
  })

  it('asks about nothing that is empty, and takes what is too long for found from end to end', async () => {
    const { detector, bodies } = await start(() => [])
    const long = 'a'.repeat(1001)
    expect(detector.find(' ')).toEqual([])
    expect(detector.find(long)).toEqual([{ start: 0, end: 1001, class: 'free-text', detector: 'http' }])
    expect(await detector.fetch(['', long])).toEqual([[], detector.find(long)])
    expect(bodies).toEqual([])
  })
})

describe('a service that fails', () => {
  it.each<readonly [string, Answer, RegExp]>([
    ['another status', (_, _request, response) => void response.writeHead(500).end('[]'), /status 500/],
    [
      'a redirect',
      (_, _request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
      /status 302/,
    ],
    ['what is not JSON', (_, _request, response) => void response.end('<html>'), /not JSON/],
    ['what is not a list', () => ({ error: 'Asdra' }), /not that of an analyzer/],
    ['findings without places', () => [{ entity_type: 'PERSON', score: 1 }], /not that of an analyzer/],
    ['places outside the text', () => [finding('PERSON', 0, 6)], /not that of an analyzer/],
    ['places that are turned around', () => [finding('PERSON', 3, 3)], /not that of an analyzer/],
    ['a broken connection', (_, request) => void request.socket.destroy(), /ECONNRESET/],
    ['too long an answer', () => Array.from({ length: 1000 }, () => finding('P'.repeat(190), 0, 1)), /longer than/],
    ['no answer', () => undefined, /no answer in time/],
  ])('with %s refuses the batch, without a word of the text', async (_, answer, reason) => {
    const { detector } = await start(answer, { timeoutMs: 200 })
    await expect(detector.fetch(['Asdra'])).rejects.toEqual(unavailable(reason))
    await expect(detector.fetch(['Asdra'])).rejects.not.toMatchObject({ reason: expect.stringContaining('Asdra') })
    expect(detector.find('Asdra')).toBe(undefined)
  })

  it('refuses a batch of which one text fails', async () => {
    const { detector } = await start(({ text }) => (text === 'bad' ? 'no' : []))
    await expect(detector.fetch(['good', 'bad', 'good too'])).rejects.toEqual(unavailable('analyzer'))
  })

  it('is not asked again for a while after three failures in a row', async () => {
    let isDown = true
    const { detector, bodies, time } = await start(() => (isDown ? 'no' : []))
    for (let i = 0; i < 3; i += 1) await expect(detector.fetch([`text ${i}`])).rejects.toEqual(unavailable('analyzer'))
    await expect(detector.fetch(['text 3'])).rejects.toEqual(unavailable('in a row'))
    expect(bodies).toHaveLength(3)
    time.now += 10_000
    await expect(detector.fetch(['text 4'])).rejects.toEqual(unavailable('analyzer'))
    await expect(detector.fetch(['text 5'])).rejects.toEqual(unavailable('in a row'))
    expect(bodies).toHaveLength(4)
    time.now += 10_000
    isDown = false
    expect(await detector.fetch(['text 6'])).toEqual([[]])
    isDown = true
    await expect(detector.fetch(['text 7'])).rejects.toEqual(unavailable('analyzer'))
    await expect(detector.fetch(['text 8'])).rejects.toEqual(unavailable('analyzer'))
  })

  it('is not there', async () => {
    const server = createTcpServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a TCP server
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const detector = new HttpDetector({ ...SETTINGS, url: `http://127.0.0.1:${port}/analyze` }, () => 0)
    await expect(detector.fetch(['Asdra'])).rejects.toEqual(unavailable('ECONNREFUSED'))
    detector.close()
  })
})

it.each(['http://detector.example.org/analyze', 'ftp://127.0.0.1/', 'http://127.0.0.1.example.org/'])(
  'is not asked at %s',
  (url) => {
    expect(() => new HttpDetector({ ...SETTINGS, url }, () => 0)).toThrow(/https/)
  },
)
