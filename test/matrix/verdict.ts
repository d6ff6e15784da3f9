import { errors, kinds, type Received } from '../support/wire-client.ts'
import type { Case } from './cases.ts'
import { type Canary, shows, showsRaw, surfaceOf } from './detector.ts'
import type { Answer } from './prober.ts'

/** What became of a case at the gateway. All but the first three are failures. */
export type Outcome =
  | 'masked' // everything was answered, nothing was shown
  | 'refused' // with a code of the gateway
  | 'withheld' // the target failed, and its text was kept back
  | 'leaked'
  | 'lost' // the connection, or the session could not be used any more
  | 'broken' // an error that the direct connection does not give, or a result of another form
  | 'over-refused' // has to be masked rather than refused
  | 'no control' // the direct connection does not leak either: the matrix is wrong

export interface Verdict {
  readonly outcome: Outcome
  /** Codes and kinds; never a value. */
  readonly detail: string
}

const REFUSAL = /\[(CHP-(?:MASK|POLICY|PROTOCOL-UNSUPPORTED|SQL-TOO-COMPLEX)[A-Z-]*)\](?: \(rule ([a-z.-]+)\))?/
const ANY_CODE = /\[(CHP-[A-Z-]+)\]/

/** Whether a canary can be read from what was told, by the detector or by the decoder of the case. */
export function leaks({ told }: Answer, one: Case, canary: Canary): boolean {
  const surface = surfaceOf(told)
  if (shows(surface, canary)) return true
  const decoded = one.decode?.(surface.lower)
  return decoded !== undefined && shows({ ...surface, lower: decoded }, canary)
}

export function verdictOf(one: Case, direct: Answer, gateway: Answer, canaries: ReadonlyMap<string, Canary>): Verdict {
  const canary = canaries.get(one.column.name)
  if (canary === undefined) throw new Error(`there is no canary for ${one.column.name}`)
  const [failure] = errors(gateway.told)
  const detail =
    failure === undefined
      ? ''
      : `${failure.code} ${ANY_CODE.exec(failure.message)?.[1] ?? 'without a code'} ${REFUSAL.exec(failure.message)?.[2] ?? ''}`
  if (!leaks(direct, one, canary)) {
    return {
      outcome: 'no control',
      detail: errors(direct.told).map(({ code, message }) => `${code} ${message}`)[0] ?? '',
    }
  }
  const surface = surfaceOf(gateway.told)
  if (leaks(gateway, one, canary) || [...canaries.values()].some((other) => showsRaw(surface, other))) {
    return { outcome: 'leaked', detail }
  }
  if (gateway.lost || !gateway.usable) return { outcome: 'lost', detail }
  if (failure !== undefined) return { outcome: ofFailure(failure.message, one, direct), detail }
  const [expected, found] = [shape(direct.told), shape(gateway.told)]
  if (expected !== found)
    return { outcome: 'broken', detail: 'the messages differ from those of the direct connection' }
  return { outcome: 'masked', detail: '' }
}

function ofFailure(message: string, one: Case, direct: Answer): Outcome {
  if (REFUSAL.test(message)) return one.masked ? 'over-refused' : 'refused'
  const alsoDirect = errors(direct.told).length > 0
  return message.includes('[CHP-TARGET-ERROR]') && alsoDirect ? 'withheld' : 'broken'
}

/** The kinds of messages in order, without those that come when they will. */
const shape = (told: readonly Received[]): string =>
  kinds(told)
    .filter((kind) => kind !== 'ParameterStatus' && kind !== 'NoticeResponse' && kind !== 'NotificationResponse')
    .join()
