import { sql } from 'kysely'

/** A moment as a timestamptz, exact to the millisecond, which a number of seconds is not. */
export const moment = (ms: number) => sql`(timestamptz 'epoch' + ${ms}::float8 * interval '1 millisecond')`
