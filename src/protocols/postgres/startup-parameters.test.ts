import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ChaperoneError, type ErrorCode } from '../../lib/errors.ts'
import { targetParameters } from './startup-parameters.ts'

const SESSION = '00000000-0000-4000-8000-000000000000'

const given = (client: Readonly<Record<string, string>>, masked = true, extra: readonly string[] = []) =>
  Object.fromEntries(
    targetParameters(new Map(Object.entries({ user: 'agent', ...client })), { extra, masked, sessionId: SESSION }),
  )

function refused(client: Readonly<Record<string, string>>, masked = true): ErrorCode | undefined {
  try {
    given(client, masked)
    return undefined
  } catch (error) {
    if (error instanceof ChaperoneError) return error.code
    throw error
  }
}

describe('start-up parameters', () => {
  it('are what analysis and masking rely on, whatever the client says', () => {
    expect(given({ database: 'hospital' })).toEqual({
      application_name: `chaperone/${SESSION}`,
      bytea_output: 'hex',
      client_encoding: 'UTF8',
      datestyle: 'ISO',
      intervalstyle: 'postgres',
      standard_conforming_strings: 'on',
    })
    expect(given({}, false)).toEqual({
      application_name: `chaperone/${SESSION}`,
      client_encoding: 'UTF8',
      standard_conforming_strings: 'on',
    })
  })

  it('pass when they are harmless, whatever their case', () => {
    const passed = given({
      TimeZone: 'Europe/Vienna',
      DateStyle: 'ISO, DMY',
      search_path: 'a,b',
      extra_float_digits: '3',
      statement_timeout: '5s',
    })
    expect(passed).toMatchObject({
      timezone: 'Europe/Vienna',
      datestyle: 'ISO, DMY',
      search_path: 'a,b',
      extra_float_digits: '3',
      statement_timeout: '5s',
    })
  })

  it.each([
    ['replication', 'true'],
    ['replication', 'database'],
    ['role', 'postgres'],
    ['session_authorization', 'postgres'],
    ['session_preload_libraries', 'evil'],
    ['local_preload_libraries', 'evil'],
    ['dynamic_library_path', '/tmp'],
    ['row_security', 'off'],
    ['session_replication_role', 'replica'],
    ['bytea_output', 'escape'],
    ['backslash_quote', 'on'],
    ['escape_string_warning', 'off'],
    ['standard_conforming_strings', 'off'],
    ['Standard_Conforming_Strings', 'OFF'],
    ['log_statement', 'all'],
    ['client_connection_check_interval', '1'],
    ['nonsense', ''],
    ['', 'x'],
  ])('are refused by name: %s=%s', (name, value) => {
    expect(refused({ [name]: value })).toBe('CHP-PROTOCOL-UNSUPPORTED')
    if (name !== '') expect(refused({ options: `-c ${name}=${value}` })).toBe('CHP-PROTOCOL-UNSUPPORTED')
  })

  it.each(['SQL', 'German', 'Postgres, DMY', 'ISO, whatever', 'isolated', 'DMY'])(
    'keep dates readable while results are masked: %s',
    (style) => {
      expect(refused({ DateStyle: style })).toBe('CHP-PROTOCOL-UNSUPPORTED')
      expect(refused({ options: `-c datestyle=${style.replaceAll(' ', '\\ ')}` })).toBe('CHP-PROTOCOL-UNSUPPORTED')
      expect(refused({ DateStyle: style }, false)).toBeUndefined()
    },
  )

  it('keep intervals readable while results are masked', () => {
    expect(refused({ intervalstyle: 'iso_8601' })).toBe('CHP-PROTOCOL-UNSUPPORTED')
    expect(refused({ intervalstyle: 'Postgres' })).toBeUndefined()
    expect(given({ intervalstyle: 'iso_8601' }, false)['intervalstyle']).toBe('iso_8601')
  })

  it.each(['UTF8', 'utf-8', 'UNICODE', 'SQL_ASCII', "'utf-8'"])('take UTF-8 under the name %s', (name) => {
    expect(given({ client_encoding: name })['client_encoding']).toBe('UTF8')
    expect(given({ Client_Encoding: name })['client_encoding']).toBe('UTF8')
  })

  it.each(['LATIN1', 'SJIS', 'WIN1252', '', 'utf8; drop'])('take no other encoding: %s', (name) => {
    expect(refused({ client_encoding: name })).toBe('CHP-SQL-ENCODING')
    expect(refused({ Client_Encoding: name })).toBe('CHP-SQL-ENCODING')
    if (name !== '' && !name.includes(' '))
      expect(refused({ options: `-c client_encoding=${name}` })).toBe('CHP-SQL-ENCODING')
  })

  it('reads options as the server does', () => {
    expect(given({ options: '-c statement_timeout=5s --lock-timeout=1s  -cjit=off' })).toMatchObject({
      statement_timeout: '5s',
      lock_timeout: '1s',
      jit: 'off',
    })
    expect(given({ options: '-c search_path=a\\ b\\\\c' })['search_path']).toBe('a b\\c')
    expect(given({ options: '-c timezone=UTC', TimeZone: 'Europe/Vienna' })['timezone']).toBe('Europe/Vienna')
    for (const options of ['-c', '-c x', '--', '--=1', '-x', 'statement_timeout=5s', '-d 5', '-c =1', '-c role=x\\']) {
      expect(refused({ options })).toBe('CHP-PROTOCOL-UNSUPPORTED')
    }
  })

  it('refuses options under another spelling of their name, which would be read by nobody', () => {
    expect(refused({ Options: '-c role=postgres' })).toBe('CHP-PROTOCOL-UNSUPPORTED')
    expect(refused({ User: 'other' })).toBe('CHP-PROTOCOL-UNSUPPORTED')
  })

  it('may be extended by the configuration, but not in what is pinned', () => {
    expect(given({ 'app.tenant': '7' }, true, ['App.Tenant'])['app.tenant']).toBe('7')
    expect(given({ bytea_output: 'escape' }, true, ['bytea_output'])['bytea_output']).toBe('hex')
  })

  it('name the session in the target, in printable characters and in 63 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const { application_name: said } = given({ application_name: name })
        expect(said).toMatch(/^[\x20-\x7e]{46,63}$/)
        expect(said?.startsWith(`chaperone/${SESSION}`)).toBe(true)
      }),
    )
  })

  it('never let anything through that is not on the list', () => {
    const known =
      /^(application_name|bytea_output|client_encoding|datestyle|intervalstyle|standard_conforming_strings|client_min_messages|extra_float_digits|geqo|idle_in_transaction_session_timeout|idle_session_timeout|jit|lock_timeout|search_path|statement_timeout|timezone|transaction_timeout)$/
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, options) => {
        try {
          for (const key of Object.keys(given({ [name]: 'x', options }))) expect(key).toMatch(known)
        } catch (error) {
          expect(error).toBeInstanceOf(ChaperoneError)
        }
      }),
    )
  })
})
