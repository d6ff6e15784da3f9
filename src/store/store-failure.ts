import { DatabaseError } from 'pg'
import { codeOf } from '../lib/error-code.ts'
import { StoreUnusable } from './store-unusable.ts'

/** Whatever went wrong with the store, with a message that can be logged: messages of a database may quote values. */
export class StoreFailure extends Error {
  /** Whether the same may well succeed at once: two statements were in each other's way, or the server was restarted. */
  readonly mayPass: boolean

  constructor(cause: unknown) {
    super(reasonOf(cause), { cause })
    this.name = 'StoreFailure'
    this.mayPass = mayPass(cause)
  }
}

/** serialization_failure, deadlock_detected; admin_shutdown, crash_shutdown, cannot_connect_now. */
const PASSING_STATES: readonly unknown[] = ['40001', '40P01', '57P01', '57P02', '57P03']
const LOST_CONNECTION: readonly unknown[] = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE']

function mayPass(cause: unknown): boolean {
  if (cause instanceof StoreFailure) return cause.mayPass
  if (cause instanceof DatabaseError) return PASSING_STATES.includes(cause.code)
  if (!(cause instanceof Error)) return false
  return LOST_CONNECTION.includes(codeOf(cause)) || cause.message.startsWith('Connection terminated')
}

/** What a log may say of an error of the store: a code, or a sentence of the driver or of ours. */
export function reasonOf(error: unknown): string {
  if (error instanceof StoreUnusable || error instanceof StoreFailure) return error.message
  if (error instanceof DatabaseError) return `SQLSTATE ${error.code ?? 'unknown'}`
  // Of a host with several addresses.
  if (error instanceof AggregateError) return reasonOf(error.errors[0])
  if (error instanceof Error) return codeOf(error) ?? error.message
  return typeof error
}
