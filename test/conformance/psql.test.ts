import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { psqlVersion, type PsqlResult, runPsql } from '../support/psql.ts'
import { DEMO_TARGET, startTestbed, type Testbed } from '../support/testbed.ts'

describe.skipIf(psqlVersion === undefined)('psql (skipped without it: npm run setup:extras)', () => {
  let bed: Testbed
  beforeAll(async () => {
    bed = await startTestbed({ patients: 40 })
  })
  afterAll(() => bed?.stop())
  beforeEach(async () => {
    await (await bed.direct()).query('truncate scratch.item, scratch.child')
  })

  async function psql(who: 'agent' | 'officer', input: string, ...args: readonly string[]): Promise<PsqlResult> {
    return runPsql({
      port: bed.gateway.port,
      database: DEMO_TARGET,
      user: who,
      password: await bed.token(who),
      caFile: bed.environment.caFile,
      input,
      args,
    })
  }

  /** The same commands straight to the server, as the gateway's role. */
  function direct(input: string): Promise<PsqlResult> {
    const { port } = bed.environment.postgres
    const { appPassword: password, caFile } = bed.environment
    return runPsql({ port, database: DEMO_TARGET, user: 'chaperone_app', password, caFile, input })
  }

  describe.each(['officer', 'agent'] as const)('as %s', (who) => {
    it('connects with verify-full and runs statements', async () => {
      const { code, stdout, stderr } = await psql(who, 'select 1;\nselect current_database();\n')
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `1\n${DEMO_TARGET}\n`, stderr: '' })
    })

    it.each([
      ['\\d hospital.patients'],
      ['\\d+ hospital.encounters'],
      ['\\d hospital.patient_directory'],
      ['\\dt hospital.*'],
      ['\\dv hospital.*'],
      ['\\dn'],
      ['\\dT scratch.*'],
      ['\\di hospital.*'],
      ['\\df hospital.*'],
      ['\\du'],
      ['\\sf pg_catalog.lower(text)'],
      ['\\dp hospital.patients'],
      ['\\dx'],
    ])('answers %s as the server does', async (command) => {
      const [through, straight] = await Promise.all([psql(who, `${command}\n`), direct(`${command}\n`)])
      expect(through).toEqual(straight)
      expect(through.stderr).toBe('')
    })

    it('copies both ways', async () => {
      const input = `\\copy scratch.item from stdin
1\tone, with a comma
2\ttwo
\\.
\\copy (select label from scratch.item order by id) to stdout
`
      const { code, stdout, stderr } = await psql(who, input)
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'one, with a comma\ntwo\n', stderr: '' })
    })

    it('goes on after a refusal', async () => {
      const { code, stdout, stderr } = await psql(who, 'delete from scratch.item;\nselect 2;\n')
      expect(code).toBe(0)
      expect(stdout).toBe('2\n')
      expect(stderr).toContain('[CHP-POLICY-REFUSED] (rule guardrails.unbounded-write)')
      expect(stderr).toContain('HINT:  Add a WHERE clause')
    })

    it('stops at a refusal with ON_ERROR_STOP', async () => {
      const { code, stdout } = await psql(who, 'delete from scratch.item;\nselect 2;\n', '-v', 'ON_ERROR_STOP=1')
      expect(code).toBe(3)
      expect(stdout).toBe('')
    })

    it('rolls a transaction back', async () => {
      const input = `begin;\ninsert into scratch.item values (1, 'one');\ndelete from scratch.item;\ncommit;\nselect count(*) from scratch.item;\n`
      const { stdout } = await psql(who, input)
      expect(stdout).toBe('0\n')
      const quiet = await psql(who, `insert into scratch.item values (2, 'two');\ndelete from scratch.item;\n`, '-1')
      expect(quiet.stderr).toContain('[CHP-POLICY-REFUSED]')
      expect((await psql(who, 'select count(*) from scratch.item;\n')).stdout).toBe('0\n')
    })

    it('shows where a syntax error is', async () => {
      const { stderr } = await psql(who, 'select * form hospital.patients;\n')
      expect(stderr).toContain('syntax error at or near "form"')
      expect(stderr).toMatch(/LINE 1: select \* form/)
    })

    it('times, describes and repeats (\\gdesc, \\gexec)', async () => {
      const { stdout, stderr } = await psql(
        who,
        `select 1::int as a, 'x'::text as b \\gdesc\nselect 'select 41 + 1' \\gexec\n`,
      )
      expect(stderr).toBe('')
      expect(stdout).toBe('a|integer\nb|text\n42\n')
    })

    it.skipIf((psqlVersion?.[0] ?? 0) < 16)('binds (needs psql 16)', async () => {
      const { stdout } = await psql(who, `select $1::int + $2::int \\bind 40 2 \\g\n`)
      expect(stdout).toBe('42\n')
    })

    it('runs through a cursor with FETCH_COUNT', async () => {
      const { stdout, stderr } = await psql(who, 'select generate_series(1, 7);\n', '-v', 'FETCH_COUNT=3')
      expect(stderr).toBe('')
      expect(stdout).toBe('1\n2\n3\n4\n5\n6\n7\n')
    })
  })

  it('masks for the agent and not for the officer', async () => {
    const sql = 'select last_name, ssn, sex from hospital.patients'
    const ordered = `${sql} order by id limit 3;\n`
    expect((await psql('officer', ordered)).stdout).toBe((await direct(ordered)).stdout)
    const lines = (await psql('agent', `${sql} limit 3;\n`)).stdout.trim().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      expect(line).toMatch(/^\[redacted\]\|(\[redacted\])?\|[FMX]$/)
    }
  })

  it('masks through a cursor too', async () => {
    const { stdout } = await psql(
      'agent',
      'select ssn from hospital.patients where ssn is not null;\n',
      '-v',
      'FETCH_COUNT=10',
    )
    expect(new Set(stdout.trim().split('\n'))).toEqual(new Set(['[redacted]']))
  })

  it('is told plainly what is wrong with a login', async () => {
    const options = {
      port: bed.gateway.port,
      database: DEMO_TARGET,
      user: 'agent',
      caFile: bed.environment.caFile,
      input: '',
    }
    const bad = await runPsql({ ...options, password: 'secret' })
    expect(bad.code).toBe(2)
    expect(bad.stderr).toContain('[CHP-AUTH-FAILED]')
    const plain = await runPsql({
      ...options,
      password: await bed.token('agent'),
      environment: { PGSSLMODE: 'disable' },
    })
    expect(plain.code).toBe(2)
    expect(plain.stderr).toContain('[CHP-AUTH-PLAINTEXT]')
    const stranger = await runPsql({ ...options, password: await bed.token('stranger') })
    expect(stranger.stderr).toContain('[CHP-AUTH-REFUSED]')
  })
})
