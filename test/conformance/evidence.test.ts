import { readFileSync } from 'node:fs'
import { generateIdentity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBodies, unseal } from '../../src/record/reader.ts'
import { startTestbed, type Testbed } from '../support/testbed.ts'

/** What of an operation can be read back: by the gateway's own key, and by the organisation that it was sealed to. */
describe('the texts of an operation', () => {
  let testbed: Testbed
  let identity: string

  beforeAll(async () => {
    identity = await generateIdentity()
    const recipient = await identityToRecipient(identity)
    testbed = await startTestbed({
      configure: (document) => {
        delete document['journal'].statementsAreNotSealed
        document['journal'].sealTo = [recipient]
        // The statements compare names, so that there is a literal to look for.
        document['phi'].predicates = { default: 'allow' }
      },
    })
  }, 120_000)

  afterAll(() => testbed.stop())

  async function textsOf(op: number, session: string) {
    const { directory, bodyKeyFile } = testbed.config.journal
    const bodyKey = Buffer.from(readFileSync(bodyKeyFile, 'utf8').trim(), 'hex')
    const texts = { body: '', exact: '' }
    for await (const { header, body } of openBodies(directory, { bodyKey })) {
      if (header.kind === 'intent' && header.op === op && header.session === session) texts.body = body ?? ''
    }
    for await (const { header, exact } of unseal(directory, { identity })) {
      if (header.kind === 'intent' && header.op === op && header.session === session) texts.exact = exact ?? ''
    }
    return texts
  }

  async function lastIntent(act: () => Promise<unknown>) {
    const headers = await testbed.recorded(act, (all) => all.some(({ kind }) => kind === 'outcome'))
    const intent = headers.findLast(({ kind }) => kind === 'intent')
    if (intent === undefined) throw new Error('no intent')
    return textsOf(intent.op, intent.session)
  }

  it('are the statement without its literals, and sealed as it was issued', async () => {
    const client = await testbed.connect('agent')
    const { body, exact } = await lastIntent(() =>
      client.query("SELECT sex FROM hospital.patients WHERE last_name = 'Kowalczyk' LIMIT 1"),
    )
    expect(body).toContain('SELECT sex FROM hospital.patients WHERE last_name = ? LIMIT ?')
    expect(body).not.toContain('Kowalczyk')
    expect(exact).toBe("SELECT sex FROM hospital.patients WHERE last_name = 'Kowalczyk' LIMIT 1")
  })

  it('hold parameters in the sealed part only', async () => {
    const client = await testbed.connect('agent')
    const { body, exact } = await lastIntent(() =>
      client.query('SELECT sex FROM hospital.patients WHERE last_name = $1 LIMIT 1', ['Kowalczyk']),
    )
    expect(body).not.toContain('Kowalczyk')
    expect(JSON.parse(exact)).toMatchObject({ parameters: ['Kowalczyk'] })
  })

  it('name what an EXECUTE ran, also when a Parse message had prepared it', async () => {
    const client = await testbed.connect('agent')
    await client.query({ name: 'q', text: "SELECT sex FROM hospital.patients WHERE last_name = 'Kowalczyk' LIMIT 1" })
    const { body, exact } = await lastIntent(() => client.query('EXECUTE q'))
    expect(JSON.parse(body)).toEqual({
      standsFor: [{ statement: 'SELECT sex FROM hospital.patients WHERE last_name = ? LIMIT ?' }],
      text: { statement: 'EXECUTE q' },
    })
    expect(JSON.parse(exact)).toMatchObject({
      standsFor: ["SELECT sex FROM hospital.patients WHERE last_name = 'Kowalczyk' LIMIT 1"],
      statement: 'EXECUTE q',
    })
  })
})
