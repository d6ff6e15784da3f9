import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type IdentityProvider, startIdentityProvider } from '../../demo/identity-provider.ts'
import { encodeBind, encodeExecute, encodeParse, encodeQuery, encodeSync } from '../../src/protocols/postgres/encode.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { errors, rows, ServerError, status, tags, type WireClient } from '../support/wire-client.ts'

const LIFETIME_SECONDS = 4
const LIFETIME_MS = LIFETIME_SECONDS * 1000

let bed: Testbed
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider({
    audience: 'chaperone',
    tokenLifetimeSeconds: LIFETIME_SECONDS,
    clients: [{ id: 'brief', secret: 'brief', kind: 'agent', groups: ['care-agents'], name: 'Short-lived' }],
  })
  bed = await startTestbed({
    patients: 20,
    configure: (document) => {
      Object.assign(document['issuers'][0], { issuer: provider.issuer, clockSkew: '0s' })
    },
  })
})
afterAll(async () => {
  await bed?.stop()
  await provider?.close()
})

/**
 * Sends harmless statements until one is refused; the messages of that answer. With hardly a pause, because a session that
 * is idle when its token expires is ended.
 */
async function untilRefused(client: WireClient) {
  for (;;) {
    client.send(encodeQuery('select 1'))
    const answer = await client.ready()
    if (errors(answer).length > 0) return answer
    await delay(2)
  }
}

describe('a token', () => {
  it('lets nobody in once it has expired', async () => {
    const password = await provider.token('brief')
    const inTime = await bed.wire('agent', { password })
    expect(status(inTime.greeting)).toBe('I')
    await delay(LIFETIME_MS + 1100)
    await expect(bed.wire('agent', { password })).rejects.toThrow(/^28P01: .*\[CHP-AUTH-FAILED\]/)
  })

  it('stops new statements when it expires during the session, and drains the running one', async () => {
    const client = await bed.wire('agent', { password: await provider.token('brief') })
    client.send(encodeParse('kept', 'select 7'), encodeSync())
    await client.ready()
    client.send(encodeQuery(`select pg_sleep(${LIFETIME_SECONDS + 1}), 'finished'`))
    const drained = await client.ready()
    expect(rows(drained)).toEqual([['', 'finished']])

    client.send(encodeQuery('select 1'))
    const simple = await client.ready()
    expect(errors(simple)).toEqual([{ code: '28000', message: expect.stringContaining('[CHP-AUTH-EXPIRED]') }])
    client.send(encodeBind({ statement: 'kept' }), encodeExecute(''), encodeSync())
    expect(errors(await client.ready())[0]?.code).toBe('28000')
    client.send(encodeParse('', 'select 1'), encodeSync())
    expect(errors(await client.ready())[0]?.code).toBe('28000')
  })

  it('commits nothing that it did not live to commit', async () => {
    const client = await bed.wire('agent', { password: await provider.token('brief') })
    client.send(encodeQuery('begin'), encodeQuery(`insert into scratch.item values (1, 'one')`))
    await client.ready()
    expect(tags(await client.ready())).toEqual(['INSERT 0 1'])
    // A session that is idle when its token expires is ended: whichever comes first, the statement that is refused or that.
    try {
      await untilRefused(client)
      client.send(encodeQuery('commit'))
      await client.toEndOrReady()
    } catch (error) {
      expect(error).toBeInstanceOf(ServerError)
      expect(error).toMatchObject({ code: '28000' })
    }
    await client.close()
    const { rows: found } = await (await bed.direct()).query('select id from scratch.item')
    expect(found).toEqual([])
  })

  it('that ran out is recorded as the reason of the refusal', async () => {
    const client = await bed.wire('agent', { password: await provider.token('brief') })
    const headers = await bed.recorded(() => untilRefused(client))
    expect(headers.findLast(({ kind }) => kind === 'refusal')?.what).toMatchObject({ code: 'CHP-AUTH-EXPIRED' })
  })
})
