import { describe, expect, it } from 'vitest'
import type { Config } from '../config/config.ts'
import { policyDocument } from '../config/policy-document.ts'
import { withPolicy } from './apply-document.ts'
import { MemoryPolicyRepository } from './memory-policy-repository-test-support.ts'
import { managedConfig } from './policy-config-test-support.ts'
import { configInForce, PolicyInForce } from './policy-in-force.ts'
import type { PolicyRepository } from './policy-repository.ts'

const FIRST = managedConfig()
const RULE = ['phi:', 'rules: [{ name: no, when: masked, effect: refuse }]\nphi:'] as const
const SECOND = managedConfig(RULE)

async function activate(repository: PolicyRepository, next: Config, from: Config, request: string): Promise<boolean> {
  await repository.add({ version: next.policyVersion, document: policyDocument(next), createdBy: 'x', note: '' })
  return repository.activate({ version: next.policyVersion, from: from.policyVersion, by: 'x', request })
}

const refused = (config: Config, version: string, text: string) =>
  expect(() => withPolicy(config, version, text)).toThrow(`the version ${version} of the policy cannot be used`)

describe('withPolicy', () => {
  it('takes all that decides from the document, and nothing of it from the file', () => {
    const file = managedConfig(
      RULE,
      ['user: u', 'user: other'],
      ['ssn: ssn', 'name: name'],
      ['group: privacy', 'group: pals'],
    )
    const applied = withPolicy(file, FIRST.policyVersion, policyDocument(FIRST))
    expect(applied.policyVersion).toBe(FIRST.policyVersion)
    expect(policyDocument(applied)).toBe(policyDocument(FIRST))
    expect(applied.rules).toEqual([])
    expect(applied.targets['hospital']?.user).toBe('u')
    expect(applied.approvals?.pools[0]?.principals[0]?.group).toBe('privacy')
    expect(applied.approvals?.wait).toBe(file.approvals?.wait)
  })

  it('keeps secrets where the file has them', () => {
    const file = managedConfig(['credential: none', 'credential: { env: SECRET }'])
    const applied = withPolicy(file, FIRST.policyVersion, policyDocument(FIRST))
    expect(applied.targets['hospital']?.credential).toEqual(file.targets['hospital']?.credential)
    expect(policyDocument(file)).not.toContain('SECRET')
  })

  it('refuses a document that is not the one of its version, and one that the file cannot serve', () => {
    const document = policyDocument(FIRST)
    refused(FIRST, SECOND.policyVersion, document)
    refused(FIRST, FIRST.policyVersion, document.replace('"staff"', '"stuff"'))
    refused(FIRST, FIRST.policyVersion, '')
    const renamed = managedConfig(
      ['  hospital: { host', '  clinic: { host'],
      ['labels: { hospital', 'labels: { clinic'],
      ['targets: [hospital]', 'targets: [clinic]'],
      ['targets: [hospital]', 'targets: [clinic]'],
    )
    refused(renamed, FIRST.policyVersion, document)
    refused({ ...FIRST, approvals: undefined }, FIRST.policyVersion, document)
  })
})

describe('configInForce', () => {
  it('begins with the file, and goes on with what was activated', async () => {
    const repository = new MemoryPolicyRepository()
    expect(await configInForce(FIRST, repository)).toEqual({ config: FIRST, notice: undefined })
    expect(await repository.activations(9)).toMatchObject([{ version: FIRST.policyVersion, by: 'first start' }])
    const changed = await configInForce(SECOND, repository)
    expect(changed.config.policyVersion).toBe(FIRST.policyVersion)
    expect(changed.config.rules).toEqual([])
    expect(changed.notice).toContain(FIRST.policyVersion)
    expect(changed.notice).toContain(SECOND.policyVersion)
    await activate(repository, SECOND, FIRST, 'r1')
    expect((await configInForce(SECOND, repository)).notice).toBeUndefined()
    expect((await configInForce(FIRST, repository)).config.rules).toHaveLength(1)
  })

  it('has one beginning, whoever is first', async () => {
    const repository = new MemoryPolicyRepository()
    const both = await Promise.all([configInForce(FIRST, repository), configInForce(SECOND, repository)])
    expect(new Set(both.map(({ config }) => config.policyVersion)).size).toBe(1)
    expect(await repository.activations(9)).toHaveLength(1)
  })

  it('leaves files that decide by themselves alone, and does not start without the store', async () => {
    const repository = new MemoryPolicyRepository()
    repository.isDown = true
    const file = managedConfig(['policy: { activation: { pools: [privacy], quorum: 2 } }\n', ''])
    expect((await configInForce(file, repository)).config).toBe(file)
    await expect(configInForce(FIRST, repository)).rejects.toThrow('down')
  })

  it('does not start with a document that somebody has changed in the store', async () => {
    const repository = new MemoryPolicyRepository()
    await repository.add({ version: SECOND.policyVersion, document: policyDocument(FIRST), createdBy: 'x', note: '' })
    await repository.activate({ version: SECOND.policyVersion, from: undefined, by: 'x', request: undefined })
    await expect(configInForce(FIRST, repository)).rejects.toMatchObject({ code: 'CHP-CONFIG-INVALID' })
  })
})

async function started() {
  const repository = new MemoryPolicyRepository()
  await configInForce(FIRST, repository)
  const warnings: string[] = []
  const inForce = new PolicyInForce({
    config: FIRST,
    repository,
    onWarning: (message) => warnings.push(message),
    pollMs: 3_600_000,
  })
  await inForce.look()
  return { repository, inForce, warnings }
}

describe('PolicyInForce', () => {
  it('takes another version with rules, and what is given', async () => {
    const { repository, inForce, warnings } = await started()
    const { policy, activated } = inForce
    await inForce.look()
    expect(inForce.policy).toBe(policy)
    expect(inForce.activated).toBe(activated)
    await activate(repository, SECOND, FIRST, 'r1')
    await repository.give({ request: 'r2', chain: 'c', grant: 'g', digest: 'd', until: 5 })
    await inForce.look()
    expect(inForce.policy.version).toBe(SECOND.policyVersion)
    expect(inForce.policy.rules.map(({ name }) => name)).toContain('no')
    expect(inForce.activated).toEqual([{ chain: 'c', grant: 'g', digest: 'd', until: 5 }])
    expect(warnings).toEqual([])
    inForce.close()
  })

  it('has what ended a month ago deleted, whenever there may be more of it', async () => {
    const { repository, inForce, warnings } = await started()
    await inForce.look()
    expect(repository.forgotten).toEqual([30 * 86_400_000])
    await repository.give({ request: 'r1', chain: 'c', grant: 'g', digest: 'd', until: 5 })
    repository.isDown = true
    await inForce.look()
    expect(repository.forgotten).toHaveLength(1)
    repository.isDown = false
    await inForce.look()
    expect(repository.forgotten).toHaveLength(2)
    expect(warnings).toHaveLength(1)
    inForce.close()
  })

  it('leaves what masks as it is, and says so once', async () => {
    const { repository, inForce, warnings } = await started()
    await activate(repository, managedConfig(['ssn: ssn', 'ssn: none']), FIRST, 'r1')
    await inForce.look()
    await repository.give({ request: 'r2', chain: 'c', grant: 'g', digest: 'd', until: 5 })
    await inForce.look()
    expect(inForce.policy.version).toBe(FIRST.policyVersion)
    expect(inForce.activated).toHaveLength(1)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('decides after a restart')
    inForce.close()
  })

  it('stays as it is while the store is down', async () => {
    const { repository, inForce, warnings } = await started()
    repository.isDown = true
    const { policy } = inForce
    await inForce.look()
    await inForce.look()
    expect(inForce.policy).toBe(policy)
    expect(warnings).toHaveLength(1)
    repository.isDown = false
    await activate(repository, SECOND, FIRST, 'r1')
    await inForce.look()
    expect(inForce.policy.version).toBe(SECOND.policyVersion)
    inForce.close()
  })
})
