import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { psqlVersion, runPsql } from '../support/psql.ts'
import { DEMO_TARGET } from '../support/testbed.ts'
import { type ApprovalBed, startApprovalBed } from './approval-bed.ts'

let held: ApprovalBed
let short: ApprovalBed
beforeAll(async () => {
  held = await startApprovalBed()
  short = await startApprovalBed({ wait: '1s', waitInTransaction: '0s' })
}, 120_000)
afterAll(() => Promise.all([held?.stop(), short?.stop()]))

const psql = async ({ bed }: ApprovalBed, input: string) =>
  runPsql({
    port: bed.gateway.port,
    database: DEMO_TARGET,
    user: 'agent',
    password: await bed.token('agent'),
    caFile: bed.environment.caFile,
    input,
  })

describe.skipIf(psqlVersion === undefined)('psql (skipped without it)', () => {
  it('waits through an approval and gets its rows', async () => {
    const running = psql(
      held,
      `SELECT 1;\nUPDATE held.bed SET kind = 'icu' WHERE id = 1 RETURNING id, kind;\nSELECT 2;\n`,
    )
    const [id = ''] = await held.asked()
    expect(await held.kindOf(1)).toBe('free')
    await held.decide(id)
    const { stdout, stderr } = await running
    expect(stdout).toBe(`1\n1|icu\n2\n`)
    expect(stderr).toContain(`waiting for an approval by chiefs (beds are given by people); request ${id} at http`)
    expect(await held.kindOf(1)).toBe('icu')
    expect(await held.stateOf(id)).toBe('used')
  })

  it('is told that it was refused, and goes on', async () => {
    const running = psql(held, `UPDATE held.bed SET kind = 'icu' WHERE id = 2;\nSELECT 2;\n`)
    const [id = ''] = await held.asked()
    await held.decide(id, 'refuse')
    const { stdout, stderr } = await running
    expect(stderr).toContain('[CHP-APPROVAL-REFUSED]')
    expect(stderr).not.toContain('looked at it')
    expect(stdout).toBe('2\n')
    expect(await held.kindOf(2)).toBe('free')
  })

  it('gets a ticket when nobody decides, and the same statement in a new session uses the approval, once', async () => {
    const statement = `UPDATE held.bed SET kind = 'icu' WHERE id = 3;`
    const first = await psql(short, statement)
    const id =
      /apr-[0-9a-zA-Z]+/.exec(/CHP-APPROVAL-PENDING.*/.exec(first.stderr) === null ? '' : first.stderr)?.[0] ?? ''
    expect(first.stderr).toContain('[CHP-APPROVAL-PENDING]')
    await short.decide(id)
    expect(await short.kindOf(3)).toBe('free')
    const second = await psql(short, statement)
    expect(second.stderr).toBe('')
    expect(await short.kindOf(3)).toBe('icu')
    expect((await psql(short, statement)).stderr).toContain('[CHP-APPROVAL-PENDING]')
  })

  it('finds its transaction aborted by a refusal, and nothing of it is committed', async () => {
    const { stdout, stderr } = await psql(
      short,
      `BEGIN;\nSELECT 1;\nUPDATE held.bed SET kind = 'icu' WHERE id = 4;\nSELECT 2;\nCOMMIT;\nSELECT 3;\n`,
    )
    expect(stderr).toContain('[CHP-APPROVAL-PENDING]')
    expect(stderr).toContain('current transaction is aborted')
    expect(stdout).toBe('1\n3\n')
    expect(await short.kindOf(4)).toBe('free')
  })

  it('is held by EXECUTE of what it has prepared, and not by PREPARE', async () => {
    const running = psql(
      held,
      `PREPARE fill(int) AS UPDATE held.bed SET kind = 'icu' WHERE id = $1 RETURNING id;\nSELECT 7;\nEXECUTE fill(5);\n`,
    )
    const [id = ''] = await held.asked()
    await held.decide(id)
    const { stdout } = await running
    expect(stdout).toBe(`7\n5\n`)
  })

  it('is held before it sends the rows of COPY', async () => {
    const running = psql(
      held,
      `COPY held.bed FROM STDIN;\n901\tcopied\n\\.\nSELECT kind FROM held.bed WHERE id = 901;\n`,
    )
    const [id = ''] = await held.asked()
    await held.decide(id)
    expect((await running).stdout).toBe('copied\n')
  })
})
