import { readFileSync } from 'node:fs'
import { Client } from 'pg'
import type { Leg } from './leg.ts'

/** A connection by one of the legs, logged in. */
export async function connectBy(leg: Leg): Promise<Client> {
  const { host, port, user, password, database, caFile } = leg
  const client = new Client({
    host,
    port,
    user,
    password,
    database,
    ...(caFile === undefined ? {} : { ssl: { ca: readFileSync(caFile) } }),
  })
  // A lost connection also fails the query that runs or comes next, and that one is awaited.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
