import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ChaperoneError } from '../../lib/errors.ts'
import type { TargetAccount } from '../protocol.ts'
import {
  encodeAuthenticationCleartextPassword,
  encodeAuthenticationMd5Password,
  encodeAuthenticationOk,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
  encodeAuthenticationSaslFinal,
  encodeBackendKeyData,
  encodeCommandComplete,
  encodeDataRow,
  encodeErrorResponse,
  encodeNegotiateProtocolVersion,
  encodeNoticeResponse,
  encodeParameterStatus,
  encodeReadyForQuery,
} from './encode.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { loginToTarget } from './target-login.ts'
import { FarReader, wireInMemory, type WireSettings } from './wire-test-support.ts'

const PASSWORD = 'correct horse battery staple'

const ACCOUNT: TargetAccount = {
  user: 'app',
  database: 'hospital',
  password: () => Promise.resolve(PASSWORD),
  acceptsMd5: false,
  tls: 'plaintext',
  acceptedRisks: [],
  extraStartupParameters: [],
}

const STATUS = { client_encoding: 'UTF8', standard_conforming_strings: 'on', server_version: '18.4' }
const greeting = (status: Readonly<Record<string, string>> = STATUS): Buffer =>
  Buffer.concat([
    ...Object.entries(status).map(([name, value]) => encodeParameterStatus({ name, value })),
    encodeBackendKeyData({ processId: 4711, secretKey: Buffer.from('0123456789abcdef') }),
    encodeReadyForQuery('I'),
  ])

type Play = (target: FarReader) => Promise<void>

async function attempt(play: Play, account: Partial<TargetAccount> = {}, settings: WireSettings = {}) {
  const { wire, far, state } = wireInMemory(settings)
  const target = new FarReader(far, 'frontend')
  const played = play(target).catch((error: unknown) => error)
  const outcome = await loginToTarget(
    { wire, account: { ...ACCOUNT, ...account } },
    new Map([['application_name', 'x']]),
    DEFAULT_FRAME_LIMITS,
  ).then(
    (loggedIn) => ({ loggedIn, error: undefined }),
    (error: unknown) => ({ loggedIn: undefined, error }),
  )
  wire.stream.destroy()
  far.destroy()
  const failure = await played
  return { ...outcome, state, failure }
}

const hmac = (key: Buffer, data: string) => createHmac('sha256', key).update(data).digest()

/** The server's side of SCRAM-SHA-256 (RFC 5802), as much as is needed to tell right from wrong. */
function scram(
  options: {
    readonly password?: string
    readonly skipFinal?: boolean
    readonly wrongSignature?: boolean
    readonly mechanisms?: readonly string[]
    readonly iterations?: number
  } = {},
): Play {
  return async (target) => {
    await target.packet()
    target.send(encodeAuthenticationSasl(options.mechanisms ?? ['SCRAM-SHA-256']))
    const initial = (await target.frame()).body.toString('latin1')
    const clientFirst = initial.slice(initial.indexOf('n=,'))
    const nonce = `${/r=(.*)$/.exec(clientFirst)?.[1] ?? ''}server`
    const salt = Buffer.from('0123456789abcdef')
    const iterations = options.iterations ?? 4096
    const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    target.send(encodeAuthenticationSaslContinue(Buffer.from(serverFirst)))
    const clientFinal = (await target.frame()).body.toString('latin1')
    const [withoutProof = '', proof = ''] = clientFinal.split(',p=')
    const salted = pbkdf2Sync(options.password ?? PASSWORD, salt, iterations, 32, 'sha256')
    const message = `${clientFirst},${serverFirst},${withoutProof}`
    const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
    const clientSignature = hmac(stored, message)
    const key = Buffer.from(Buffer.from(proof, 'base64').map((byte, index) => byte ^ (clientSignature[index] ?? 0)))
    if (!createHash('sha256').update(key).digest().equals(stored)) {
      target.send(
        encodeErrorResponse({ severity: 'FATAL', sqlstate: '28P01', message: 'password authentication failed' }),
      )
      return
    }
    const signature = hmac(hmac(salted, options.wrongSignature ? 'Other Key' : 'Server Key'), message)
    const final = options.skipFinal
      ? []
      : [encodeAuthenticationSaslFinal(Buffer.from(`v=${signature.toString('base64')}`))]
    target.send(...final, encodeAuthenticationOk(), greeting())
  }
}

function ours(error: unknown): ChaperoneError {
  if (!(error instanceof ChaperoneError)) expect.fail(String(error))
  return error
}

function expectRefused(error: unknown, code: string): void {
  expect(ours(error).code).toBe(code)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PASSWORD)
}

describe('logging in to a target', () => {
  it('works with SCRAM, and gives parameters, key and status', async () => {
    const { loggedIn, error } = await attempt(scram())
    expect(error).toBeUndefined()
    expect(loggedIn?.key.processId).toBe(4711)
    expect(loggedIn?.status.get('server_version')).toBe('18.4')
  })

  it('sends what it was told to, and protocol 3.2', async () => {
    let packet = Buffer.alloc(0)
    const { error } = await attempt(async (target) => {
      packet = Buffer.from(await target.packet())
      target.send(encodeNegotiateProtocolVersion({ newestMinor: 0, unrecognisedOptions: [] }))
      target.send(encodeNoticeResponse({ severity: 'WARNING', sqlstate: '01000', message: 'x' }))
      target.send(encodeAuthenticationOk(), greeting())
    })
    expect(error).toBeUndefined()
    expect(packet.readUInt32BE(0)).toBe(0x30002)
    expect(packet.toString('latin1', 4)).toBe('user\0app\0database\0hospital\0application_name\0x\0\0')
  })

  it('does not believe a server that does not know the password', async () => {
    expectRefused((await attempt(scram({ wrongSignature: true }))).error, 'CHP-TARGET-REFUSED')
    expectRefused((await attempt(scram({ skipFinal: true }))).error, 'CHP-TARGET-REFUSED')
  })

  it('reports what the target says when the password is wrong', async () => {
    const { error } = await attempt(scram({ password: 'other' }))
    expectRefused(error, 'CHP-TARGET-UNREACHABLE')
    expect(ours(error).reason).toContain('28P01')
  })

  it.each([
    ['too few iterations', { iterations: 1 }],
    ['so many iterations that they cost the gateway its time', { iterations: 900_000_000 }],
    ['a mechanism that nobody speaks', { mechanisms: ['SCRAM-MD5'] }],
    ['no mechanism', { mechanisms: [] }],
  ])('refuses SCRAM with %s', async (_, options) => {
    expectRefused((await attempt(scram(options))).error, 'CHP-TARGET-REFUSED')
  })

  it('says under the signature that it could have bound the channel, when that was not offered inside TLS', async () => {
    const flags: string[] = []
    const play: Play = async (target) => {
      await target.packet()
      target.send(encodeAuthenticationSasl(['SCRAM-SHA-256']))
      flags.push(/([ny]),,n=/.exec((await target.frame()).body.toString('latin1'))?.[1] ?? '')
      target.end()
    }
    await attempt(play, {}, {})
    await attempt(play, {}, { encrypted: true, peerCertificate: Buffer.from('der') })
    expect(flags).toEqual(['n', 'y'])
  })

  it('refuses MD5 unless it is accepted', async () => {
    const sent: string[] = []
    const play: Play = async (target) => {
      await target.packet()
      target.send(encodeAuthenticationMd5Password(Buffer.from('salt')))
      sent.push((await target.frame()).body.toString())
      target.send(encodeAuthenticationOk(), greeting())
    }
    expectRefused((await attempt(play)).error, 'CHP-TARGET-REFUSED')
    expect(sent).toEqual([])
    expect((await attempt(play, { acceptsMd5: true })).error).toBeUndefined()
    expect(sent[0]).toMatch(/^md5[0-9a-f]{32}\0$/)
  })

  it('sends a password in clear inside TLS only', async () => {
    const sent: string[] = []
    const play: Play = async (target) => {
      await target.packet()
      target.send(encodeAuthenticationCleartextPassword())
      sent.push((await target.frame()).body.toString())
      target.send(encodeAuthenticationOk(), greeting())
    }
    expectRefused((await attempt(play)).error, 'CHP-TARGET-REFUSED')
    expect(sent).toEqual([])
    expect((await attempt(play, {}, { encrypted: true })).error).toBeUndefined()
    expect(sent).toEqual([`${PASSWORD}\0`])
  })

  it.each([
    ['is refused', Buffer.from('N')],
    ['is answered with an error', encodeErrorResponse({ severity: 'FATAL', sqlstate: '08P01', message: 'what?' })],
    ['is answered with more than the answer, in clear', Buffer.concat([Buffer.from('S'), encodeAuthenticationOk()])],
    ['is answered with nonsense', Buffer.from('X')],
  ])('goes no further when TLS is required and %s', async (_, answer) => {
    let more: unknown
    const { error, state } = await attempt(
      async (target) => {
        await target.packet()
        target.send(answer)
        more = await target.packet()
      },
      { tls: 'required' },
    )
    expectRefused(error, 'CHP-TARGET-REFUSED')
    expect(state.upgrades).toBe(0)
    expect(more).toBeUndefined()
  })

  it('goes on inside TLS when that is answered properly', async () => {
    const { error, state } = await attempt(
      async (target) => {
        await target.packet()
        target.send(Buffer.from('S'))
        await scram()(target)
      },
      { tls: 'required' },
    )
    expect(error).toBeUndefined()
    expect(state.upgrades).toBe(1)
  })

  it.each([
    ['another encoding', { ...STATUS, client_encoding: 'LATIN1' }],
    ['no encoding', { standard_conforming_strings: 'on' }],
    ['backslash escapes in plain literals', { ...STATUS, standard_conforming_strings: 'off' }],
  ])('refuses a target with %s', async (_, status) => {
    const { error } = await attempt(async (target) => {
      await target.packet()
      target.send(encodeAuthenticationOk(), greeting(status))
    })
    expectRefused(error, 'CHP-TARGET-REFUSED')
  })

  it.each([
    ['a row', encodeDataRow(['x'])],
    ['ReadyForQuery before authentication', encodeReadyForQuery('I')],
    ['CommandComplete', encodeCommandComplete('SELECT 1')],
    ['a message of no type', Buffer.from([0xff, 0, 0, 0, 4])],
    ['the end of an exchange that was not begun', encodeAuthenticationSaslFinal(Buffer.from('v=x'))],
    ['the middle of an exchange that was not begun', encodeAuthenticationSaslContinue(Buffer.from('r=x'))],
    ['a request for Kerberos', Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 2])],
  ])('refuses a target that answers with %s', async (_, bytes) => {
    const { error } = await attempt(async (target) => {
      await target.packet()
      target.send(bytes)
    })
    expectRefused(error, 'CHP-TARGET-REFUSED')
  })

  it('says that no password is configured', async () => {
    const { error } = await attempt(scram(), { password: () => Promise.resolve(undefined) })
    expectRefused(error, 'CHP-TARGET-REFUSED')
  })

  it('is an error of the target when it closes, wherever that is', async () => {
    const bytes = Buffer.concat([encodeAuthenticationOk(), greeting()])
    for (let cut = 0; cut < bytes.length; cut++) {
      const { wire, far } = wireInMemory()
      const target = new FarReader(far, 'frontend')
      const login = loginToTarget({ wire, account: ACCOUNT }, new Map(), DEFAULT_FRAME_LIMITS)
      const seen = login.then(
        () => undefined,
        (error: unknown) => error,
      )
      await target.packet()
      if (cut > 0) far.write(bytes.subarray(0, cut))
      far.end()
      const error = await seen
      expect(ours(error).blame).toBe('target')
    }
  })

  it('does not wait for ever', async () => {
    const { wire } = wireInMemory()
    const error = await loginToTarget(
      { wire, account: ACCOUNT, loginTimeoutMs: 20 },
      new Map(),
      DEFAULT_FRAME_LIMITS,
    ).catch((thrown: unknown) => thrown)
    expectRefused(error, 'CHP-TARGET-UNREACHABLE')
    expect(wire.stream.destroyed).toBe(true)
  })

  it('is an error of the target when the connection breaks', async () => {
    const { wire, far } = wireInMemory()
    const target = new FarReader(far, 'frontend')
    wire.stream.on('error', () => undefined)
    const seen = loginToTarget({ wire, account: ACCOUNT }, new Map(), DEFAULT_FRAME_LIMITS).catch(
      (error: unknown) => error,
    )
    await target.packet()
    wire.stream.destroy(new Error('ECONNRESET'))
    expect(ours(await seen).blame).toBe('target')
  })
})
