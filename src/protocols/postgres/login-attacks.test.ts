import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import {
  encodePassword,
  encodeQuery,
  encodeSaslInitialResponse,
  encodeSaslResponse,
  encodeSslRequest,
  encodeStartup,
} from './encode.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { type Login, login, LoginRefused, type LoginOptions } from './login.ts'
import { FarReader, wireInMemory } from './wire-test-support.ts'

const OPTIONS: LoginOptions = {
  tlsAvailable: true,
  allowPlaintextPasswordOnLoopback: false,
  limits: DEFAULT_FRAME_LIMITS,
  oauth: {
    user: 'oauth',
    openidConfiguration: 'https://issuer.example/.well-known/openid-configuration',
    scope: 'openid',
  },
}
const STARTUP = encodeStartup({ minor: 2, parameters: new Map([['user', 'oauth']]) })
const TOKEN = 'quuxling.good.token'

const bearer = (token: string) => Buffer.from(`n,,\u0001auth=Bearer ${token}\u0001\u0001`)
const NO_TOKEN = Buffer.from('n,,\u0001auth=\u0001\u0001')
const initial = (response: Buffer | null, mechanism = 'OAUTHBEARER') =>
  encodeSaslInitialResponse({ mechanism, response })

/** A login of a client inside TLS, and what came of it: never anything but one of these. */
function begin(encrypted = true) {
  const { wire, far } = wireInMemory({ encrypted })
  const tokens: string[] = []
  const result = login(
    wire,
    ({ token, target }) => {
      tokens.push(token)
      return token === TOKEN
        ? Promise.resolve({ sessionId: '1', target })
        : Promise.reject(new ChaperoneError('CHP-AUTH-FAILED'))
    },
    OPTIONS,
  )
  const outcome = result.then(
    ({ kind }: Login) => kind,
    (error: unknown) => {
      if (!(error instanceof LoginRefused)) throw error
      expect(error.error.message).not.toContain('quuxling')
      return error.error.code
    },
  )
  return { far, client: new FarReader(far, 'backend'), tokens, outcome }
}

/** Sends all of it at once, and goes. */
async function sent(...messages: readonly Buffer[]) {
  const { far, tokens, outcome } = begin()
  far.end(Buffer.concat(messages))
  return { outcome: await outcome, tokens }
}

const tick = () => new Promise((resolve) => setImmediate(resolve))

/** The same message with another length in its header. */
const ofLength = (message: Buffer, length: number): Buffer => {
  const changed = Buffer.from(message)
  changed.writeInt32BE(length, 1)
  return changed
}

describe('a login by OAUTHBEARER', () => {
  it('works byte by byte, with and without an initial response', async () => {
    for (const messages of [[initial(bearer(TOKEN))], [initial(null), encodeSaslResponse(bearer(TOKEN))]]) {
      const { client, tokens, outcome } = begin()
      for (const byte of Buffer.concat([STARTUP, ...messages])) {
        client.send(Buffer.from([byte]))
        await tick()
      }
      expect([await outcome, tokens]).toEqual(['session', [TOKEN]])
    }
  })

  it('is an end wherever the client closes, and asks nobody about half a token', async () => {
    const bytes = Buffer.concat([STARTUP, initial(bearer(TOKEN))])
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(await sent(bytes.subarray(0, cut))).toEqual({ outcome: 'closed', tokens: [] })
    }
  })

  it.each([
    ['beyond the limit of a login', [initial(bearer('x'.repeat(2 ** 20)))]],
    ['that says to be of 2 GiB', [ofLength(initial(bearer(TOKEN)), 0x7fffffff)]],
    ['that says to be of a negative length', [ofLength(initial(bearer(TOKEN)), -1)]],
    ['whose response is longer than it', [overlong()]],
    ['for another identity', [initial(Buffer.from(`n,a=root,\u0001auth=Bearer ${TOKEN}\u0001\u0001`))]],
    ['bound to a channel', [initial(Buffer.from(`p=tls-exporter,,\u0001auth=Bearer ${TOKEN}\u0001\u0001`))]],
    ['without a header', [initial(Buffer.from(`\u0001auth=Bearer ${TOKEN}\u0001\u0001`))]],
    ['with two tokens', [initial(Buffer.from(`n,,\u0001auth=Bearer ${TOKEN}\u0001auth=Bearer other\u0001\u0001`))]],
    ['with no token and one', [initial(Buffer.from(`n,,\u0001auth=\u0001auth=Bearer ${TOKEN}\u0001\u0001`))]],
    ['for the mechanism with channel binding', [initial(bearer(TOKEN), 'OAUTHBEARER-PLUS')]],
    ['for the mechanism in other letters', [initial(bearer(TOKEN), 'oauthbearer')]],
    ['that comes second, after nothing of the mechanism', [initial(null), initial(bearer(TOKEN))]],
    ['of nothing, again and again', [initial(null), encodeSaslResponse(Buffer.alloc(0))]],
  ])('is refused with a message %s', async (_, messages) => {
    expect(await sent(STARTUP, ...messages)).toEqual({ outcome: 'CHP-PROTOCOL-VIOLATION', tokens: [] })
  })

  it('has one try: what follows no token or a bad one is not looked at', async () => {
    const again = [encodeSaslResponse(bearer(TOKEN)), initial(bearer(TOKEN)), encodePassword(TOKEN)]
    for (const message of again) {
      expect(await sent(STARTUP, initial(NO_TOKEN), message, ...again)).toEqual({ outcome: 'closed', tokens: [] })
      expect(await sent(STARTUP, initial(bearer('bad')), message, ...again)).toEqual({
        outcome: 'CHP-AUTH-FAILED',
        tokens: ['bad'],
      })
    }
  })

  it('takes nothing but a login for one, whatever is sent', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ maxLength: 40 }).map((text) => initial(Buffer.from(text))),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => encodeSaslResponse(Buffer.from(bytes))),
      fc.constantFrom(initial(null), initial(NO_TOKEN), encodeSslRequest(), encodeQuery('select 1')),
    )
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(piece, { maxLength: 4 }), async (begins, pieces) => {
        const { outcome } = await sent(...(begins ? [STARTUP] : []), ...pieces)
        expect(['closed', 'cancel']).toContain(outcome.startsWith('CHP-') ? 'closed' : outcome)
      }),
      { numRuns: 300 },
    )
  })

  it('never begins a session, and asks nobody, with any one byte of it changed', async () => {
    const message = initial(bearer(TOKEN))
    for (let at = 0; at < message.length; at++) {
      const changed = Buffer.from(message)
      changed[at] = (changed[at] ?? 0) ^ 0x80
      const { outcome, tokens } = await sent(STARTUP, changed)
      expect([at, outcome]).not.toEqual([at, 'session'])
      expect(tokens).toEqual([])
    }
  })
})

/** An initial response that claims a byte more than there is. */
function overlong(): Buffer {
  const message = initial(bearer(TOKEN))
  const at = 5 + 'OAUTHBEARER\0'.length
  message.writeInt32BE(message.readInt32BE(at) + 1, at)
  return message
}
