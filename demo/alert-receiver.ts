import { once } from 'node:events'
import { createServer } from 'node:http'
import * as consumers from 'node:stream/consumers'

/** A receiver of webhooks on loopback that keeps what it got. */
export interface AlertReceiver {
  readonly url: string
  /** Titles and kinds, in the order of their arrival. */
  readonly received: readonly string[]
  close(): void
}

export async function startAlertReceiver(): Promise<AlertReceiver> {
  const received: string[] = []
  const server = createServer((request, response) => {
    consumers
      .text(request)
      .then((body) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway of the demo sends it
        const { kind, title } = JSON.parse(body) as { kind: string; title: string }
        received.push(`${kind}: ${title}`)
        response.writeHead(204).end()
      })
      .catch(() => response.writeHead(400).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a receiver has a port')
  return {
    url: `http://127.0.0.1:${address.port}/`,
    received,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
