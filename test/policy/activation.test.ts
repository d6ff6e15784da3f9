import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ApprovalBed, outcomeOf, startApprovalBed } from '../approvals/approval-bed.ts'
import { changedConfig, policy } from './cli-policy.ts'

let held: ApprovalBed
beforeAll(async () => {
  held = await startApprovalBed({
    configure: (document) => {
      document['policy'] = { activation: { pools: ['chiefs'], quorum: 1 } }
    },
  })
}, 120_000)
afterAll(() => held?.stop())

const requested = z.object({ kind: z.literal('requested'), request: z.string(), version: z.string() })
const versions = z.object({
  inForce: z.string(),
  activations: z.array(z.object({ version: z.string(), by: z.string() })),
})

const propose = async (file: string) => requested.parse((await policy('activate', '-c', file, '--note', 'test')).json)
const history = async () => versions.parse((await policy('versions', '-c', held.bed.environment.configFile)).json)

/** Statements of everybody are refused. */
const withRule = (name: string): string =>
  changedConfig(held.bed, `${name}.yaml`, (document) => {
    document['rules'].push({ name, when: 'command == "SELECT"', effect: 'refuse' })
  })

const withoutAgents = (): string =>
  changedConfig(held.bed, 'without-agents.yaml', (document) => {
    document['grants'] = document['grants'].filter(
      ({ name }: { readonly name: string }) => name !== 'care-agents-read-masked',
    )
  })

describe('a managed policy', () => {
  it('begins with the file, which is then no more than a proposal', async () => {
    const { inForce, activations } = await history()
    expect(inForce).toBe(held.bed.config.policyVersion)
    expect(activations).toEqual([{ version: inForce, by: 'first start' }])
  })

  it('changes nothing while somebody decides, or when the answer is no', async () => {
    const client = await held.bed.connect('agent')
    const { request } = await propose(withRule('refused-one'))
    expect(await outcomeOf(client.query('SELECT 1'))).toBe('SELECT')
    await held.decide(request, 'refuse')
    expect(await outcomeOf(client.query('SELECT 1'))).toBe('SELECT')
    expect((await history()).activations).toHaveLength(1)
    await client.end()
  })

  it('decides about sessions that are alive within a second, and ends those whose access has changed', async () => {
    const client = await held.bed.connect('agent')
    expect(await outcomeOf(client.query('SELECT 1'))).toBe('SELECT')
    const before = (await history()).inForce
    const stricter = await propose(withRule('approved-one'))
    await held.decide(stricter.request)
    await expect
      .poll(() => outcomeOf(client.query('SELECT 1')), { timeout: 3000, interval: 100 })
      .toContain('(rule approved-one)')
    const { inForce, activations } = await history()
    expect(inForce).toBe(stricter.version)
    expect(activations.map(({ version }) => version)).toEqual([stricter.version, before])
    const diff = await policy('diff', before, 'in-force', '-c', held.bed.environment.configFile)
    expect(diff).toMatchObject({ status: 1, json: { lines: [expect.stringContaining('+ rules[approved-one]')] } })
    const closing = await propose(withoutAgents())
    await held.decide(closing.request)
    await expect
      .poll(() => outcomeOf(client.query('SELECT 1')), { timeout: 3000, interval: 100 })
      .toMatch(/CHP-SESSION-TERMINATED|Connection terminated|not queryable/)
    await expect(held.bed.connect('agent')).rejects.toThrow('CHP-AUTH-REFUSED')
  }, 30_000)

  it('takes no file that is not valid, and no approval for another beginning', async () => {
    const broken = changedConfig(held.bed, 'broken.yaml', (document) => {
      document['rules'].push({ name: 'x', when: 'nonsense', effect: 'refuse' })
    })
    await expect(policy('activate', '-c', broken, '--note', 'x')).rejects.toThrow()
    const first = await propose(withRule('first'))
    const second = await propose(withRule('second'))
    await held.decide(second.request)
    await held.decide(first.request)
    await expect.poll(async () => (await history()).inForce, { timeout: 3000 }).toBe(second.version)
    expect((await history()).activations.map(({ version }) => version)).not.toContain(first.version)
  }, 30_000)
})
