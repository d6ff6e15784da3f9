import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import { decodeErrorFields, decodeNotification } from './decode.ts'
import { encodeNotificationResponse } from './encode.ts'
import { refusalResponse } from './refusal.ts'
import { FakeGate } from './relay-test-support.ts'
import { withheldError, withheldNotice, withheldNotification } from './withheld.ts'

const KNOWN = new Set(['public', 'patients', 'ssn'])
const gate = Object.assign(new FakeGate(), { catalogHas: (name: string) => KNOWN.has(name) })
const fieldsOf = (message: Buffer) => decodeErrorFields(message, 5, message.length)
const noticeOf = (text: string): string | undefined => {
  const fields = new Map([
    ['C', '25P01'],
    ['M', text],
  ])
  return fieldsOf(withheldNotice(fields, gate)).get('M')
}

describe('a report of the target', () => {
  it('keeps severity, SQLSTATE, position and names that the catalog knows', () => {
    const fields = new Map(
      Object.entries({
        S: 'FEHLER',
        V: 'ERROR',
        C: '23505',
        P: '17',
        s: 'public',
        t: 'patients',
        c: 'ssn',
        d: 'Smith',
        n: 'ssn=123-45-6789',
      }),
    )
    const seen = Object.fromEntries(fieldsOf(withheldError(fields, gate)))
    expect(seen).toMatchObject({ S: 'ERROR', V: 'ERROR', C: '23505', P: '17', s: 'public', t: 'patients', c: 'ssn' })
    expect(seen['M']).toContain('unique_violation')
    expect(seen['M']).toContain('CHP-TARGET-ERROR')
    expect(JSON.stringify(seen)).not.toMatch(/Smith|123-45/)
  })

  it('keeps the words in which nothing is filled in', () => {
    expect(noticeOf('there is no transaction in progress')).toBe('there is no transaction in progress')
    expect(noticeOf('there is no transaction in progress 123-45-6789')).toContain('CHP-TARGET-ERROR')
  })

  it('loses every free text, in whatever field it comes', () => {
    const letter = fc.constantFrom(...Array.from('SVCMDHPpqWFLRstcdnxyz'))
    const text = fc.oneof(
      fc.constantFrom('Jane Doe', '123-45-6789', 'ssn 1', 'patients\0', '99 bottles'),
      fc.string({ minLength: 9 }),
    )
    fc.assert(
      fc.property(fc.dictionary(letter, text), (given) => {
        for (const message of [
          withheldError(new Map(Object.entries(given)), gate),
          withheldNotice(new Map(Object.entries(given)), gate),
        ]) {
          for (const [field, value] of fieldsOf(message)) {
            if (field === 'M')
              expect(value).toMatch(/^[a-z_ ]+ \(the text of the target is withheld\) \[CHP-TARGET-ERROR\]$/)
            else if (field === 'C') expect(value).toMatch(/^[0-9A-Z]{5}$/)
            else if (field === 'P') expect(value).toMatch(/^[0-9]{1,10}$/)
            else if (field === 'S' || field === 'V') expect(value).toMatch(/^[A-Z]+$/)
            else expect(KNOWN.has(value)).toBe(true)
          }
        }
      }),
    )
  })

  it('of a notification keeps its channel only', () => {
    const message = encodeNotificationResponse({ processId: 5, channel: 'jobs', payload: 'Jane Doe' })
    const seen = withheldNotification(message, 5, message.length)
    expect(decodeNotification(seen, 5, seen.length)).toMatchObject({ processId: 5, channel: 'jobs', payload: '' })
  })
})

describe('a refusal in the words of the protocol', () => {
  it('has code, rule and hint, and neither reason nor cause', () => {
    const error = new ChaperoneError('CHP-POLICY-REFUSED', {
      message: 'no',
      hint: 'do otherwise',
      rule: 'guardrails/drop',
      reason: 'only for the log',
      cause: new Error('Jane Doe'),
    })
    const seen = Object.fromEntries(fieldsOf(refusalResponse(error, 'ERROR', 12)))
    expect(seen).toEqual({
      S: 'ERROR',
      V: 'ERROR',
      C: '42501',
      M: 'no [CHP-POLICY-REFUSED] (rule guardrails/drop)',
      H: 'do otherwise',
      P: '12',
    })
    expect(fieldsOf(refusalResponse(new ChaperoneError('CHP-INTERNAL'), 'FATAL')).has('P')).toBe(false)
  })
})
