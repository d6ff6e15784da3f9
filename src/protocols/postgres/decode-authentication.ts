import { assertNever } from '../../lib/assert-never.ts'
import { BodyReader } from './decode-reader.ts'
import type { Authentication, FrontendMessage, SaslInitialResponse } from './messages.ts'

/** What the server asked for last, which decides what message the type byte `p` stands for. */
export type AuthenticationStep = 'password' | 'sasl-initial' | 'sasl' | 'gss'

/** Decodes PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse, whichever answers `step`. */
export function decodeAuthenticationResponse(
  step: AuthenticationStep,
  buffer: Buffer,
  body: number,
  end: number,
): FrontendMessage {
  switch (step) {
    case 'password':
      return { kind: 'PasswordMessage', password: decodePassword(buffer, body, end) }
    case 'sasl-initial':
      return decodeSaslInitialResponse(buffer, body, end)
    case 'sasl':
      return { kind: 'SASLResponse', data: { start: body, end } }
    case 'gss':
      return { kind: 'GSSResponse', data: { start: body, end } }
    default:
      return assertNever(step)
  }
}

export function decodePassword(buffer: Buffer, body: number, end: number): string {
  const reader = new BodyReader('frontend', 'PasswordMessage', buffer, body, end)
  const password = reader.text()
  reader.finish()
  return password
}

export function decodeSaslInitialResponse(buffer: Buffer, body: number, end: number): SaslInitialResponse {
  const reader = new BodyReader('frontend', 'SASLInitialResponse', buffer, body, end)
  const mechanism = reader.text()
  const response = reader.value()
  reader.finish()
  return { kind: 'SASLInitialResponse', mechanism, response }
}

/** Decodes every message of type `R`; codes that protocol 3 does not define are refused. */
export function decodeAuthentication(buffer: Buffer, body: number, end: number): Authentication {
  const reader = new BodyReader('backend', 'Authentication', buffer, body, end)
  const message = afterCode(reader.int32(), reader)
  reader.finish()
  return message
}

function afterCode(code: number, reader: BodyReader): Authentication {
  switch (code) {
    case 0:
      return { kind: 'AuthenticationOk' }
    case 2:
      return { kind: 'AuthenticationKerberosV5' }
    case 3:
      return { kind: 'AuthenticationCleartextPassword' }
    case 5: {
      const { start, end } = reader.bytes(4)
      return { kind: 'AuthenticationMD5Password', salt: Buffer.from(reader.buffer.subarray(start, end)) }
    }
    case 7:
      return { kind: 'AuthenticationGSS' }
    case 8:
      return { kind: 'AuthenticationGSSContinue', data: reader.rest() }
    case 9:
      return { kind: 'AuthenticationSSPI' }
    case 10: {
      const mechanisms: string[] = []
      for (let name = reader.text(); name !== ''; name = reader.text()) mechanisms.push(name)
      return { kind: 'AuthenticationSASL', mechanisms }
    }
    case 11:
      return { kind: 'AuthenticationSASLContinue', data: reader.rest() }
    case 12:
      return { kind: 'AuthenticationSASLFinal', data: reader.rest() }
    default:
      return reader.fail('unknown authentication request')
  }
}
