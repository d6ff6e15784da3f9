import type { RuleEffect } from '../../config/config.ts'

export interface PackRule {
  /** Name inside the pack, as `packs.guardrails.disable` knows it. */
  readonly name: string
  readonly when: string
  readonly effect: RuleEffect
  readonly message: string
  readonly hint: string
}

const READS_PHI = 'relations.exists(r, r.phi && r.action == "read")'
/** No LIMIT, a large one, or one that is not known. */
const NOT_A_FEW_ROWS = '(reading.limit < 0 || reading.limit > 1000)'

/**
 * Operations that destroy, change rights or leave the database, and changes to PHI by somebody who cannot see it. Written
 * in the same language as an operator's own rules.
 */
export const GUARDRAILS: readonly PackRule[] = [
  {
    name: 'unbounded-write',
    // DROP and TRUNCATE count as unbounded too, and have rules of their own that can be disabled by themselves.
    when: 'bounded == "unbounded" && !onlyTemporaryObjects && !command.startsWith("DROP") && !command.startsWith("TRUNCATE")',
    effect: 'refuse',
    message: 'an UPDATE or DELETE without a condition that selects rows changes the whole table',
    hint: 'Add a WHERE clause that compares a column with a value. Conditions that are always true do not count.',
  },
  {
    name: 'truncate',
    when: '(command.startsWith("TRUNCATE") || relations.exists(r, r.action == "truncate")) && !onlyTemporaryObjects',
    effect: 'refuse',
    message: 'TRUNCATE removes all rows of a table',
    hint: 'Delete the rows that you mean, with a WHERE clause.',
  },
  {
    name: 'drop',
    when: 'command.startsWith("DROP") && !onlyTemporaryObjects',
    effect: 'refuse',
    message: 'DROP removes objects of the database for good',
    hint: 'Temporary tables can be dropped, if they are the only objects that the statement names.',
  },
  {
    name: 'privilege-change',
    when: '"privilege" in effects',
    effect: 'refuse',
    message: 'the statement changes who may do what in the database',
    hint: 'Rights are given by the operator of the gateway, in its grants.',
  },
  {
    name: 'server-access',
    when: '"server" in effects',
    effect: 'refuse',
    message: 'the statement reaches the server beyond its tables (files, programs, configuration, other sessions)',
    hint: 'Use COPY … FROM STDIN or TO STDOUT instead of files.',
  },
  {
    name: 'code-not-analysed',
    when: 'hazards.exists(h, h.kind == "code-not-analysed") || (command in ["DO", "CALL"] && "code" in effects)',
    effect: 'refuse',
    message: 'the statement runs code whose effects cannot be seen beforehand',
    hint: 'Send the SQL statements themselves.',
  },
  {
    name: 'lock-table',
    when: 'command.startsWith("LOCK")',
    effect: 'refuse',
    message: 'LOCK TABLE stops others from working',
    hint: 'Use SELECT … FOR UPDATE for the rows that you mean, or an advisory lock.',
  },
  {
    name: 'schema-change',
    when: '"schema" in effects && !onlyTemporaryObjects',
    effect: 'hold',
    message: 'the statement changes the schema of the database',
    hint: 'Use a temporary table.',
  },
  {
    name: 'phi-change',
    when: 'masked && relations.exists(r, (r.phi && r.action in ["insert", "delete", "truncate"]) || (r.action == "update" && r.touchesPhi))',
    effect: 'hold',
    message: 'the statement changes protected data that this identity may only see masked',
    hint: 'Update columns that hold no protected data, and name them in the statement. Inserting or deleting rows of a table with protected columns needs somebody with more rights.',
  },
  {
    name: 'bulk-export',
    // To somebody who sees all PHI masked, COPY shows no more than SELECT.
    when: 'seesPhi && command.startsWith("COPY") && !command.contains("FROM") && relations.exists(r, r.phi && r.action == "read")',
    effect: 'hold',
    message: 'COPY … TO exports protected data in bulk',
    hint: 'Select the rows and columns that you need.',
  },
  {
    name: 'full-history',
    when: `seesPhi && ${READS_PHI} && reading.bound == "all" && ${NOT_A_FEW_ROWS} && estimatedRows > 5000`,
    effect: 'hold',
    message: 'the statement reads whole tables of protected data as it is',
    hint: 'Select the rows that you need, with a WHERE clause, or set a LIMIT of at most 1000.',
  },
  {
    name: 'large-read',
    when: `${READS_PHI} && reading.bound != "keyed" && ${NOT_A_FEW_ROWS} && estimatedRows > 10000`,
    effect: 'hold',
    message: 'the statement is expected to read more than 10,000 rows of protected data',
    hint: 'Select the rows that you need, let the database count and sum up, or set a LIMIT of at most 1000.',
  },
  {
    // In steps, each of which is small: OFFSET, cursors, ranges with an ORDER BY, and for those who see PHI any read without a key.
    name: 'paged-read',
    when: `${READS_PHI} && reading.bound != "keyed" && (reading.isPage || seesPhi) && recent.pagedRows > (seesPhi ? 5000 : 10000)`,
    effect: 'hold',
    message: 'large parts of tables with protected data have been read in steps within the last hour',
    hint: 'Select the rows that you need, or wait until less has been read in the last hour.',
  },
]
