import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { psqlPrograms } from '../introspection/clients.ts'
import { runPsql } from '../support/psql.ts'
import { DEMO_TARGET } from '../support/testbed.ts'
import { type BothWays, type Reader, startBothWays, type Told } from './both.ts'
import { TOKEN_COLUMNS } from './ward.ts'

const MARK = '@@ '
const COLUMNS = TOKEN_COLUMNS.map(({ name }) => name).join(', ')

/** Puts what a query gives into a variable, and shows it. */
const look = (variable: string, expression: string, id: number): string =>
  `select ${expression} as ${variable} from ward.person where id = ${id} \\gset\n\\echo shown :${variable}\n`

const ask = (name: string, command: string): string => `\\echo ${MARK}${name}\n${command}\n`

/** Statements with a value as psql puts variables into their text: quoted, and bare. */
const VARIABLES = TOKEN_COLUMNS.map(({ name }) => {
  const people = `select id from ward.person where`
  return [
    look('seven', name, 7),
    look('nine', name, 9),
    ask(`${name} equal`, `${people} ${name} = :'seven' order by id;`),
    ask(`${name} in`, `${people} ${name} in (:'seven', :'nine') order by id;`),
    ask(`${name} unequal`, `${people} ${name} <> :'seven' order by id;`),
    ask(
      `${name} joined`,
      `select v.id from ward.person p join ward.visit v using (${name}) where p.${name} = :'nine' order by 1;`,
    ),
    ask(`${name} updated`, `update ward.visit set kind = 'seen' where ${name} = :'seven' returning id;`),
    ask(`${name} stored`, `update ward.visit set ${name} = :'nine' where id = 40 returning id;`),
  ].join('')
}).join('')

/** Numbers without quotes, expanded as they are. */
const BARE = ['record_no', 'account', 'policy']
  .map(
    (name) =>
      look('seven', name, 7) + ask(`${name} bare`, `select id from ward.person where ${name} = :seven order by id;`),
  )
  .join('')

const COPIES = `${['text', 'csv']
  .map(
    (
      format,
      at,
    ) => `\\copy (select id + ${700 + 100 * at}, kind, ${COLUMNS} from ward.visit where id < 12 order by id) to 'FILE.${format}' (format ${format}${format === 'csv' ? ', header, force_quote *' : ''})
\\copy ward.visit (id, kind, ${COLUMNS}) from 'FILE.${format}' (format ${format}${format === 'csv' ? ', header' : ''})
`,
  )
  .join('')}\\! sed 's/^/shown /' FILE.text FILE.csv
${look('seven', 'full_name', 7)}${ask('copied', `select id from ward.visit where full_name = :'seven' order by id;`)}`

const SCRIPT = `\\set ON_ERROR_STOP on
${look('seven', 'full_name', 7)}begin;
${ask('inside', `delete from ward.visit where full_name = :'seven' returning id;`)}rollback;
${ask('outside', `select count(*) from ward.visit where full_name = :'seven';`)}prepare of_name(text) as select id from ward.visit where full_name = :'seven' and id < $1::int;
${ask('executed', `execute of_name('20'); execute of_name('20');`)}deallocate of_name;
declare named cursor with hold for select id, kind from ward.visit where full_name = :'seven' order by id;
${ask('fetched', 'fetch 2 from named; fetch all from named;')}close named;
${ask('generated', `select format('select count(*) from ward.visit where full_name = %L', :'seven') \\gexec`)}`

describe.skipIf(psqlPrograms().length === 0).each(psqlPrograms())(
  'psql $version (skipped without it: npm run setup:extras)',
  ({ version, file }) => {
    let ways: BothWays
    beforeAll(async () => {
      ways = await startBothWays()
    })
    afterAll(() => ways?.bed.stop())

    const program =
      (input: string, ...args: readonly string[]) =>
      async (who: Reader): Promise<Told> => {
        const { bed } = ways
        const { code, stdout, stderr } = await runPsql({
          port: bed.gateway.port,
          database: DEMO_TARGET,
          user: who,
          password: await bed.token(who),
          caFile: bed.environment.caFile,
          program: file,
          input: input.replaceAll('FILE', `${bed.environment.directory}/${who}`),
          args,
          // What PyPI has of psql has no TLS.
          environment: { PGSSLMODE: 'disable' },
        })
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        const lines = stdout.split('\n')
        const shown = lines.filter((line) => line.startsWith('shown '))
        const parts = lines
          .filter((line) => !line.startsWith('shown '))
          .join('\n')
          .split(MARK)
          .slice(1)
        return {
          answers: Object.fromEntries(
            parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]),
          ),
          shown,
        }
      }

    it('works with tokens in variables as with values', async () => {
      const { answers } = await ways.run(program(VARIABLES + BARE))
      expect(answers).toMatchObject({
        'full_name equal': '6\n7',
        'ssn in': '6\n7\n8\n9',
        'record_no equal': '6\n7',
        'policy bare': '6\n7',
      })
    })

    it('works with them in transactions, cursors and prepared statements', async () => {
      const { answers } = await ways.run(program(SCRIPT))
      expect(answers).toMatchObject({
        inside: '12\n13\n14\n15',
        outside: '4',
        executed: '12\n13\n14\n15\n12\n13\n14\n15',
      })
    })

    it('copies them out and in', async () => {
      const { answers } = await ways.run(program(COPIES))
      expect(answers).toHaveProperty('copied')
    })

    it('fetches in pieces', async () => {
      const input =
        look('seven', 'email', 7) + ask('found', `select id, kind from ward.visit where email <> :'seven' order by id;`)
      const { answers } = await ways.run(program(input, '-v', 'FETCH_COUNT=5'))
      expect(String(answers['found']).split('\n')).toHaveLength(44)
    })

    it.skipIf(Number(version) < 16)('binds them (needs psql 16)', async () => {
      const input = TOKEN_COLUMNS.map(
        ({ name }) =>
          `${look('seven', name, 7)}${look('nine', name, 9)}${ask(
            `${name} bound`,
            `select id from ward.person where ${name} = $1 or ${name} in ($1, $2) order by id \\bind :seven :nine \\g`,
          )}${ask(`${name} stored`, `update ward.visit set ${name} = $1 where id = 41 returning id \\bind :nine \\g`)}`,
      ).join('')
      const { answers } = await ways.run(program(input))
      expect(answers).toMatchObject({ 'ssn bound': '6\n7\n8\n9', 'external bound': '6\n7\n8\n9' })
    })
  },
)
