import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { policyChecks } from '../../src/decide/policy-checks.ts'
import { encodeCancelRequest, encodeQuery } from '../../src/protocols/postgres/encode.ts'
import { StoreServer } from '../../src/store/store-server-test-support.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'
import { first, of, openSocket, type Received, type WireClient } from '../support/wire-client.ts'
import { configBeside } from '../tokens/desk.ts'
import { CLINIC_SQL, clinicTargets } from './clinic.ts'

const LIMIT = 5000

/** Notes that masks make shorter, and names that they make longer. */
const WIDE_SQL = `
${CLINIC_SQL}
insert into clinic.visit select 1000 + n, n, repeat('quuxnote ', 2000) from generate_series(1, 40) n;
update clinic.patient set name = 'Q' where id <= 60;
`

let server: StoreServer
let bed: Testbed
beforeAll(async () => {
  server = await StoreServer.start()
  const location = await server.database()
  const password = (await location.password()) ?? ''
  const { host, port, user, database } = location
  bed = await startTestbed({
    patients: 5,
    prepare: (admin) => admin.query(WIDE_SQL),
    configure: async (document, { directory }) => {
      clinicTargets(document, {
        cancelled: { hour: { rows: LIMIT } },
        gone: { hour: { rows: LIMIT } },
        failed: { hour: { rows: LIMIT } },
        shrunk: { session: { bytes: '2KiB' } },
      })
      await writeFile(join(directory, 'store-password'), password)
      document['store'] = {
        url: `postgresql://${user}@${host}:${port}/${database}`,
        credential: { file: 'store-password' },
        tls: { mode: 'plaintextWithoutTls' },
      }
    },
  })
}, 120_000)
afterAll(async () => {
  await bed?.stop()
  await server?.stop()
})

/** A page of the server each moment, so that there is a middle. */
const SLOW = 'select id, filler, pg_sleep(0.002) from clinic.big'

const rowsOf = (messages: readonly Received[]) => of(messages, 'DataRow')
const codesOf = (messages: readonly Received[]) => of(messages, 'ErrorResponse').map(({ fields }) => fields.get('M'))

async function someRows(wire: WireClient, count: number): Promise<number> {
  let seen = 0
  while (seen < count) {
    const message = await wire.next()
    if (message === undefined || message.kind === 'ErrorResponse') expect.fail(JSON.stringify(message))
    if (message.kind === 'DataRow') seen++
  }
  return seen
}

/** What is left of an hour when leases have gone back: exactly so many rows can be had. */
async function left(target: string): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const wire = await bed.wire('agent', { database: target })
  wire.send(encodeQuery('select a.id from clinic.big a'))
  const messages = await wire.toEndOrReady()
  expect(codesOf(messages)).toEqual([expect.stringContaining('CHP-BUDGET-EXCEEDED')])
  wire.destroy()
  return rowsOf(messages).length
}

describe('a result of which rows are counted', () => {
  it('that is cancelled in the middle costs what was released, and no more', async () => {
    const wire = await bed.wire('agent', { database: 'cancelled' })
    wire.send(encodeQuery(SLOW))
    let released = await someRows(wire, 100)
    const socket = await openSocket(bed.gateway.port)
    socket.on('error', () => undefined)
    socket.write(encodeCancelRequest(first(wire.greeting, 'BackendKeyData')))
    socket.resume()
    await once(socket, 'close')
    const rest = await wire.ready()
    released += rowsOf(rest).length
    expect(of(rest, 'ErrorResponse').map(({ fields }) => fields.get('C'))).toEqual(['57014'])
    expect(released).toBeLessThan(LIMIT)
    expect(await left('cancelled')).toBe(LIMIT - released)
    wire.destroy()
  }, 60_000)

  it('whose client goes in the middle costs at least what it has seen, and leases go back', async () => {
    const wire = await bed.wire('agent', { database: 'gone' })
    wire.send(encodeQuery(SLOW))
    const seen = await someRows(wire, 100)
    wire.destroy()
    const found = await left('gone')
    expect(found).toBeLessThanOrEqual(LIMIT - seen)
    expect(found).toBeGreaterThan(LIMIT / 2)
  }, 60_000)

  it('that fails in the middle costs what was released', async () => {
    const wire = await bed.wire('agent', { database: 'failed' })
    wire.send(encodeQuery('select id, filler, 1 / (900 - id) from clinic.big where id between 1 and 2000'))
    const messages = await wire.ready()
    const released = rowsOf(messages).length
    expect(released).toBeGreaterThan(0)
    expect(await left('failed')).toBe(LIMIT - released)
    wire.destroy()
  }, 60_000)
})

/** A row on the wire: its type, its length, the number of its values, and those with their lengths. */
const sizeOf = ({ values }: { readonly values: readonly (Buffer | null)[] }) =>
  values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), 7)

describe('bytes', () => {
  it.each([
    ['shorter', 'select note from clinic.visit where id > 1000 order by id'],
    ['longer', 'select name from clinic.patient order by id'],
    ['shorter and longer', 'select name, note from clinic.patient p join clinic.visit v on v.patient_id = p.id'],
  ])('are those that the client gets, where masks make rows %s', async (_, sql) => {
    const wire = await bed.wire('agent', { database: 'shrunk' })
    let used = 0
    for (let round = 0; ; round++) {
      wire.send(encodeQuery(sql))
      const messages = await wire.ready()
      for (const row of rowsOf(messages)) used += sizeOf(row)
      expect(
        Buffer.concat(rowsOf(messages).flatMap(({ values }) => values.map((v) => v ?? Buffer.alloc(0)))).includes(
          'quuxnote',
        ),
      ).toBe(false)
      const codes = codesOf(messages)
      if (codes.length > 0) {
        expect(codes).toEqual([expect.stringContaining('CHP-BUDGET-EXCEEDED')])
        break
      }
      expect(round).toBeLessThan(200)
    }
    expect(used).toBeLessThanOrEqual(2048)
    // The next row, masked, was larger than what was left.
    expect(used).toBeGreaterThan(2048 - 400)
    wire.destroy()
  })
})

const WIDE = 'filler, filler as b, filler as c'

describe('a budget of nothing', () => {
  it.each(['rows', 'bytes', 'statements', 'patients'])(
    'of %s cannot be set: who may do nothing has no grant',
    async (unit) => {
      const file = await configBeside(bed, `no-${unit}`, (document) => {
        clinicTargets(document, { nothing: { session: { [unit]: unit === 'bytes' ? '0KiB' : 0 } } })
      })
      expect(() => loadConfig(file, {}, policyChecks)).toThrow(`budgets.session.${unit}`)
    },
  )

  it('is what is left when not even the first row fits', async () => {
    for (const sql of [`select ${WIDE} from clinic.big`, `copy (select ${WIDE} from clinic.big) to stdout`]) {
      const wire = await bed.wire('agent', { database: 'shrunk' })
      wire.send(encodeQuery(sql))
      const messages = await wire.ready()
      expect(codesOf(messages)).toEqual([expect.stringContaining('CHP-BUDGET-EXCEEDED')])
      expect(messages.filter(({ kind }) => kind === 'DataRow' || kind === 'CopyData')).toEqual([])
      wire.destroy()
    }
  })
})
