import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChaperoneError } from '../lib/errors.ts'
import { type CredentialReference, CredentialResolver } from './credential.ts'

const SECRET = 'hunter2-secret'
let directory: string
let now = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'chaperone-test-'))
  now = Date.parse('2026-11-20T12:00:00Z')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const resolver = (environment: Record<string, string> = {}) => new CredentialResolver(environment, () => now)

async function script(body: string): Promise<CredentialReference & { kind: 'command' }> {
  const file = join(directory, 'command.sh')
  await writeFile(file, `#!/bin/sh\necho run >> ${join(directory, 'runs')}\n${body}\n`)
  await chmod(file, 0o700)
  return { kind: 'command', argv: [file], timeoutMs: 5000 }
}

const runs = async () => (await readFile(join(directory, 'runs'), 'utf8')).split('\n').length - 1

async function failure(work: Promise<unknown>): Promise<ChaperoneError> {
  const error = await work.then(
    () => expect.fail('resolved'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ChaperoneError)) expect.fail(String(error))
  expect(error.code).toBe('CHP-TARGET-UNREACHABLE')
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET)
  return error
}

describe('a credential', () => {
  it('from a file is read each time, without the end of its line', async () => {
    const file = join(directory, 'secret')
    const credentials = resolver()
    await writeFile(file, ` ${SECRET} \r\n`)
    expect(await credentials.resolve({ kind: 'file', file })).toBe(` ${SECRET} `)
    await writeFile(file, 'rotated')
    expect(await credentials.resolve({ kind: 'file', file })).toBe('rotated')
  })

  it('from a file that is missing or empty is an error that names the file', async () => {
    const file = join(directory, 'secret')
    expect((await failure(resolver().resolve({ kind: 'file', file }))).reason).toContain(file)
    await writeFile(file, '\n')
    await failure(resolver().resolve({ kind: 'file', file }))
  })

  it('from the environment, and none at all', async () => {
    const credentials = resolver({ DB_PASSWORD: SECRET, EMPTY: '' })
    expect(await credentials.resolve({ kind: 'environment', variable: 'DB_PASSWORD' })).toBe(SECRET)
    expect((await failure(credentials.resolve({ kind: 'environment', variable: 'EMPTY' }))).reason).toContain('EMPTY')
    await failure(credentials.resolve({ kind: 'environment', variable: 'OTHER' }))
    expect(await credentials.resolve({ kind: 'none' })).toBeUndefined()
  })
})

describe('a credential from a command', () => {
  it('is one line, and is asked for once for many connections', async () => {
    const command = await script(`echo ${SECRET}`)
    const credentials = resolver()
    const all = await Promise.all([1, 2, 3].map(() => credentials.resolve(command)))
    expect(all).toEqual([SECRET, SECRET, SECRET])
    expect(await runs()).toBe(1)
    now += 61_000
    await credentials.resolve(command)
    expect(await runs()).toBe(2)
  })

  it('that says when it ends is renewed before', async () => {
    const command = await script(`echo '{"password": "${SECRET}", "expiresAt": "2026-11-20T12:10:00Z"}'`)
    const credentials = resolver()
    expect(await credentials.resolve(command)).toBe(SECRET)
    now = Date.parse('2026-11-20T12:09:29Z')
    await credentials.resolve(command)
    expect(await runs()).toBe(1)
    now = Date.parse('2026-11-20T12:09:31Z')
    await credentials.resolve(command)
    expect(await runs()).toBe(2)
  })

  it.each([
    ['no JSON', `echo '{"password": "${SECRET}"'`],
    ['no password', `echo '{"secret": "${SECRET}"}'`],
    ['a password that is no text', `echo '{"password": ["${SECRET}"]}'`],
    ['an empty password', `echo '{"password": ""}'`],
    ['an end that is no date', `echo '{"password": "${SECRET}", "expiresAt": "soon"}'`],
    ['an end that is no text', `echo '{"password": "${SECRET}", "expiresAt": 5}'`],
    ['two lines', `echo ${SECRET}; echo ${SECRET}`],
    ['nothing', 'true'],
    ['a failure, with the secret on both outputs', `echo ${SECRET}; echo ${SECRET} >&2; exit 3`],
    ['more than anybody needs', `head -c 100000 /dev/zero | tr '\\0' x`],
  ])('that prints %s is an error without it, and asked again the next time', async (_, body) => {
    const command = await script(body)
    const credentials = resolver()
    await failure(credentials.resolve(command))
    await writeFile(command.argv[0] ?? '', `#!/bin/sh\necho ${SECRET}\n`)
    expect(await credentials.resolve(command)).toBe(SECRET)
  })

  it('that does not end is killed, whatever it does about it', async () => {
    const command = { ...(await script(`trap '' TERM\necho ${SECRET}\nwhile :; do sleep 0.1; done`)), timeoutMs: 200 }
    await failure(resolver().resolve(command))
  })

  it('that does not exist is an error that names it', async () => {
    const argv = [join(directory, 'missing')]
    const { reason } = await failure(resolver().resolve({ kind: 'command', argv, timeoutMs: 1000 }))
    expect(reason).toContain('missing')
    await failure(resolver().resolve({ kind: 'command', argv: [], timeoutMs: 1000 }))
  })
})
