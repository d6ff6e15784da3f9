import { hash } from 'node:crypto'
import { ChaperoneError } from '../../lib/errors.ts'
import type { TargetAccount } from '../protocol.ts'
import { type LoggedInTarget, POOLER } from './target-login.ts'

/** Say how long things may take, how a plan is found or what is reported, but not what a statement means or does. */
const MEANS_NOTHING = '{application_name,client_min_messages,geqo,jit,work_mem}'

/**
 * What a session begins with besides search_path and role: settings of the client's start-up message, of the role, the database and
 * the server; and defaults of a role or database that pg_settings does not show, because no module has made them known. The client
 * chooses search_path, so operators are named by their schema.
 */
const SETTINGS = `(select pg_catalog.string_agg(pg_catalog.format('%s=%s', s.name, s.setting), ',' order by s.name)
    from pg_catalog.pg_settings s
    where s.context operator(pg_catalog.=) any ('{user,superuser}'::pg_catalog.text[])
      and pg_catalog.right(s.name, 7) operator(pg_catalog.<>) 'timeout'
      and s.name operator(pg_catalog.<>) all ('${MEANS_NOTHING}'::pg_catalog.text[])
      and not (s.name operator(pg_catalog.=) 'extra_float_digits' and s.setting operator(pg_catalog.=) any ('{1,2,3}'::pg_catalog.text[]))),
    (select pg_catalog.string_agg(d.setconfig::pg_catalog.text, ',' order by d.setdatabase, d.setrole)
    from pg_catalog.pg_db_role_setting d
    where d.setdatabase operator(pg_catalog.=) any (array(select 0::pg_catalog.oid union all
        select b.oid from pg_catalog.pg_database b where b.datname operator(pg_catalog.=) pg_catalog.current_database()))
      and d.setrole operator(pg_catalog.=) any (array(select 0::pg_catalog.oid union all
        select o.oid from pg_catalog.pg_roles o where o.rolname operator(pg_catalog.=) session_user)))`

/** Read back right after login; one round trip. Recorded as a probe. A role has what it can SET ROLE to. */
const CHECKS = `select pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num'),
  pg_catalog.json_build_array(pg_catalog.current_setting('search_path'), current_user, ${SETTINGS}),
  pg_catalog.bool_or(rolsuper), pg_catalog.bool_or(rolreplication), pg_catalog.bool_or(rolbypassrls),
  pg_catalog.pg_has_role('pg_read_server_files', 'member')
    or pg_catalog.pg_has_role('pg_write_server_files', 'member')
    or pg_catalog.pg_has_role('pg_execute_server_program', 'member')
  from pg_catalog.pg_roles where pg_catalog.pg_has_role(oid, 'member')`

const OLDEST_MAJOR = 14
const NEWEST_MAJOR = 18

export interface CheckedTarget {
  readonly serverMajor: number
  /** pg_backend_pid(); behind a pooler it is not the process id that was told at login. */
  readonly backendPid: number
  readonly pooled: boolean
  readonly searchPath: readonly string[]
  readonly searchPathSetting: string
  readonly role: string
  /** Digest (SHA-256, hex) of what else the session began with, see `SETTINGS`. */
  readonly settings: string
}

/**
 * Whether the target is what the gateway may put a session on: a supported version, a role without dangerous rights, and
 * no pooler in between (which gives every session another server process, so that the process told at login is not the
 * one that answers). Each risk can be accepted by name in the target's configuration.
 */
export async function checkTarget(target: LoggedInTarget, account: TargetAccount): Promise<CheckedTarget> {
  const [row] = await target.client.query(CHECKS)
  const [pid, version, path, superuser, replication, bypass, files] = row ?? []
  // Nothing to aggregate.
  if (superuser !== 't' && superuser !== 'f') throw refused('the role of the session is not in pg_roles')
  const serverMajor = Math.floor(Number(version) / 10_000)
  if (serverMajor < OLDEST_MAJOR || serverMajor > NEWEST_MAJOR) {
    throw refused(`PostgreSQL ${serverMajor} is not supported (${OLDEST_MAJOR} to ${NEWEST_MAJOR} are)`)
  }
  const risks: readonly (readonly [string, boolean, string])[] = [
    ['session-pooler', Number(pid) !== target.key.processId, POOLER],
    ['superuser', superuser === 't', 'the role is a superuser or may become one'],
    ['replication', replication === 't', 'the role may replicate'],
    ['bypass-row-security', bypass === 't', 'the role bypasses row security'],
    [
      'server-files',
      superuser !== 't' && files === 't',
      'the role may read or write files or run programs on the server',
    ],
  ]
  const found = risks.filter(([name, present]) => present && !account.acceptedRisks.includes(name))
  // A superuser has the other rights as well; naming the one that covers them is enough.
  const covered = superuser === 't' && account.acceptedRisks.includes('superuser')
  const left = covered ? found.filter(([name]) => name === 'session-pooler') : found
  if (left.length > 0) {
    throw refused(left.map(([name, , text]) => `${text} (accept with acceptRisks: [${name}])`).join('; '))
  }
  const pooled = Number(pid) !== target.key.processId
  return { serverMajor, backendPid: Number(pid), pooled, ...beginningOf(path) }
}

/** From a JSON array of the setting, the user, and the two texts of `SETTINGS`. */
function beginningOf(
  json: string | null | undefined,
): Pick<CheckedTarget, 'searchPath' | 'searchPathSetting' | 'role' | 'settings'> {
  const answer: unknown = JSON.parse(json ?? '[]')
  if (!Array.isArray(answer) || answer.length !== 4) throw refused('the settings of the session cannot be read')
  const [searchPathSetting = '', role = '', ...settings] = answer.map(String)
  return {
    searchPath: schemasOf(searchPathSetting, role),
    searchPathSetting,
    role,
    settings: hash('sha256', JSON.stringify(settings), 'hex'),
  }
}

/**
 * The schemas that search_path names, in order, whether or not they exist yet (documentation, section 19.11.1): names are
 * folded to lower case unless quoted, and "$user" is the role. The temporary schema is looked up on its own.
 */
export function schemasOf(setting: string, user: string): readonly string[] {
  const names = setting.match(/"(?:[^"]|"")*"|[^,\s"]+/g) ?? []
  return names
    .map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()))
    .map((name) => (name === '$user' ? user : name))
    .filter((name) => name !== '' && name !== 'pg_temp')
}

const refused = (reason: string): ChaperoneError => new ChaperoneError('CHP-TARGET-REFUSED', { reason })
