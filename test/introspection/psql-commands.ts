import type { Client } from './clients.ts'

/** Every command of psql that looks something up in the catalogs (psql's \?), with and without patterns. */
const COMMANDS = String.raw`
\l
\l+
\d
\d+
\dS
\d gallery.*
\d+ gallery.*
\d+ hospital.*
\d+ remote.*
\d nothing_of_this_name
\d "gallery"."person"
\d pg_class
\d+ pg_stats
\d+ pg_stat_activity
\d information_schema.columns
\da gallery.*
\daS+ sum
\dA
\dA+
\dAc+ btree
\dAf+ gin
\dAo+ btree int*
\dAp+ hash integer_ops
\db
\dc
\dcS+ utf8*
\dC
\dC+
\dconfig
\dconfig+ *_path
\dd
\dd gallery.*
\ddS lower
\dD
\dD+ gallery.*
\dDS+
\ddp
\dE
\dE+ remote.*
\des
\des+
\det
\det+ remote.*
\deu
\deu+
\dew
\dew+
\df
\df gallery.*
\df+ gallery.*
\dfa gallery.*
\dfn+ gallery.*
\dfp gallery.*
\dft gallery.*
\dfw+ pg_catalog.*
\df+ lower
\df gallery.greeting text integer
\dF
\dF+ gallery.search
\dFd
\dFd+ gallery.*
\dFp+
\dFt+
\dg
\dg+
\du
\duS+
\di
\di+ gallery.*
\dl
\dl+
\lo_list
\dL
\dLS+
\dm+ gallery.*
\dn
\dn+
\dnS
\do gallery.*
\do+ gallery.*
\doS = text text
\dO
\dO+ gallery.*
\dOS
\dp
\dp gallery.*
\z
\z gallery.person
\dP
\dP+ gallery.*
\dPn+ gallery.*
\dPit gallery.*
\drds
\drds chaperone_app hospital
\drg
\drgS
\dRp
\dRp+
\dRs
\ds gallery.*
\ds+ gallery.*
\dt
\dt+ gallery.*
\dti+ gallery.*
\dtvsmE gallery.*
\dT
\dT+ gallery.*
\dTS+ int*
\dv+ gallery.*
\dx
\dx+
\dX
\dX+ gallery.*
\dy
\dy+
\sf gallery.greeting
\sf+ gallery.touched
\sf gallery.pairs
\sf pg_catalog.lower(text)
\sv gallery.people
\sv+ gallery.clinics
\encoding
`
  .trim()
  .split('\n')

/** Commands that stay closed to who sees PHI masked, each with the reason. */
export const CLOSED_COMMANDS: ReadonlyMap<string, string> = new Map([
  [String.raw`\deu`, 'pg_user_mappings holds the options of user mappings, which are credentials'],
  [String.raw`\deu+`, 'likewise'],
  [String.raw`\dRs`, 'pg_subscription holds connection strings'],
  [
    String.raw`\dconfig`,
    'psql 18: current_setting of names that are not in the text, which may be settings with values of a program',
  ],
  [String.raw`\dconfig+ *_path`, 'likewise'],
])

const MARK = '@@ '

/** One psql that runs all of them. An error shows as its SQLSTATE: the texts of the server's errors are withheld. */
export function psqlClient(version: string, file: string): Client {
  const lines = COMMANDS.flatMap((command) => [String.raw`\echo '${MARK}' ${quoted(command)}`, command])
  return {
    name: `psql ${version}`,
    command: [file, '-X', '-q', '-v', 'VERBOSITY=sqlstate'],
    tellsErrors: true,
    input: `${lines.join('\n')}\n`,
  }
}

/** In psql's single quotes, a backslash is doubled. */
const quoted = (command: string): string => `'${command.replaceAll('\\', '\\\\')}'`

/** What each command printed. */
export function psqlAnswers(output: string): Readonly<Record<string, string>> {
  const parts = output.split(new RegExp(`^${MARK} `, 'm')).slice(1)
  return Object.fromEntries(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
}
