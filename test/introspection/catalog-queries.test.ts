import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, type IntrospectionBed, startIntrospectionBed } from './bed.ts'
import { CATALOG_QUERIES } from './catalog-queries.ts'

describe('queries of database tools', () => {
  let bed: IntrospectionBed
  let direct: Client
  let gateway: Client
  beforeAll(async () => {
    bed = await startIntrospectionBed()
    direct = await connect(bed.direct)
    gateway = await connect(await bed.gateway())
  })
  afterAll(async () => {
    await direct?.end()
    await gateway?.end()
    await bed?.testbed.stop()
  })

  it.each(Object.entries(CATALOG_QUERIES))('%s', async (_, sql) => {
    const [one, two] = [await direct.query(sql), await gateway.query(sql)]
    expect(one.rows.length).toBeGreaterThan(0)
    expect(two.rows).toEqual(one.rows)
    expect(two.fields).toEqual(one.fields)
  })
})
