import type { Client } from 'pg'
import { connectBy } from './client.ts'
import { PEOPLE, TOKENS } from './database.ts'
import type { Leg } from './leg.ts'
import { BenchFailure } from './processes.ts'

/**
 * Makes sure that the legs differ as they should: the gateways mask the three columns and nothing else, the others do not.
 * A gateway that did not mask would look fast.
 */
export async function checkMasking(legs: readonly Leg[], tokens: boolean): Promise<void> {
  for (const leg of legs) {
    const client = await connectBy(leg)
    try {
      const { rows } = await client.query<Record<string, string>>({
        text: `select id, name, ssn, phone, amount from ${PEOPLE} where id = 1`,
      })
      const [row] = rows
      const masked = [row?.['name'], row?.['ssn'], row?.['phone']].every((value) => value === '[redacted]')
      const kept = row?.['id'] === '1' && row['amount'] === '0.37'
      const gateway = leg.name === 'fsync' || leg.name === 'process-crash'
      const token = tokens ? await firstNumber(client) : undefined
      if (token !== undefined && token.startsWith('tok_') !== gateway) {
        throw new BenchFailure(`the leg ${leg.name} does not have tokens as it should`)
      }
      if (!kept || masked !== gateway) throw new BenchFailure(`the leg ${leg.name} does not mask as it should`)
    } finally {
      await client.end()
    }
  }
}

async function firstNumber(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ mrn: string }>(`select mrn from ${TOKENS} where id = 1`)
  return rows[0]?.mrn
}
