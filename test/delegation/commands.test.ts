import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { execCommand } from '../../cli/commands/exec.ts'
import { loginCommand } from '../../cli/commands/login.ts'
import { tokenCommand } from '../../cli/commands/token.ts'
import { whoamiCommand } from '../../cli/commands/whoami.ts'
import type { CommandContext } from '../../cli/terminal.ts'
import { terminal } from '../../cli/terminal.ts'
import { type ExchangeBed, startExchangeBed } from './exchange-bed.ts'
import { RobotBrowser } from './robot-browser.ts'

const ANN = 0
const BOB = 1
let bed: ExchangeBed
let home: string

beforeAll(async () => {
  bed = await startExchangeBed()
})
afterAll(() => bed?.stop())
beforeEach(async () => {
  home = join(bed.directory, 'home')
  await rm(home, { recursive: true, force: true })
  await mkdir(home)
})

type MakeCommand = (context: CommandContext) => ReturnType<typeof tokenCommand>

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number
}

// A function, because the compiler thinks that nobody has changed it.
const exitStatus = (): number => Number(process.exitCode ?? 0)

/** Runs a command in this process; `watch` sees standard error as it grows. */
async function run(
  make: MakeCommand,
  args: readonly string[],
  watch: (stderr: string) => void = () => undefined,
): Promise<Ran> {
  let stdout = ''
  let stderr = ''
  const out = terminal({
    stdout: { write: (text) => ((stdout += text), true) },
    stderr: {
      write: (text) => {
        stderr += text
        watch(stderr)
        return true
      },
    },
    env: {},
  })
  const before = process.exitCode
  process.exitCode = undefined
  try {
    const environment = {
      HOME: home,
      PATH: process.env['PATH'],
      PGPASSWORD: 'old',
      PGHOSTADDR: '192.0.2.1',
      NODE_EXTRA_CA_CERTS: '/etc/ours.pem',
      BROWSER: 'true',
    }
    await make({ environment, out }).parseAsync([...args], { from: 'user' })
    return { stdout, stderr, status: exitStatus() }
  } finally {
    process.exitCode = before
  }
}

/** Presses the buttons as soon as the command says where. */
function pressing(person: number): { watch: (stderr: string) => void; done: () => Promise<string> } {
  let pressed: Promise<string> | undefined
  return {
    watch: (stderr) => {
      const [, url] = /^ {4}(http\S+)$/m.exec(stderr) ?? []
      if (url !== undefined) pressed ??= new RobotBrowser().signIn(url, person)
    },
    done: () => pressed ?? Promise.reject(new Error('no address was shown')),
  }
}

async function login(person: number, how: '--device' | '--browser' = '--browser'): Promise<Ran> {
  const robot = pressing(person)
  const ran = await run(loginCommand, [bed.url, how], robot.watch)
  await robot.done()
  return ran
}

const principalOf = async (token: string) => (await bed.verifier.verify(token.trim())).principal

const LOGINS = () => join(home, '.config/chaperone/logins')

describe('chaperone login', () => {
  it.each(['--device', '--browser'] as const)('%s signs in and keeps the tokens to the user', async (how) => {
    const ran = await login(ANN, how)
    expect(ran.stderr).toContain(`Logged in to ${bed.url}.`)
    expect(ran.stdout).toBe('')
    const [file = '', ...others] = await readdir(LOGINS())
    expect(others).toEqual([])
    expect((await stat(join(LOGINS(), file))).mode & 0o777).toBe(0o600)
    expect((await stat(LOGINS())).mode & 0o777).toBe(0o700)
    const kept = await readFile(join(LOGINS(), file), 'utf8')
    expect(JSON.parse(kept)).toMatchObject({ refreshToken: expect.any(String), accessToken: expect.any(String) })
    // What is shown is for everybody around.
    const { refreshToken, accessToken }: Record<string, string> = JSON.parse(kept)
    for (const secret of [refreshToken, accessToken]) expect(ran.stderr).not.toContain(secret)
  })

  it('shows the code that the page has to show', async () => {
    expect((await login(ANN, '--device')).stderr).toMatch(/this code: [A-Z0-9-]{4,}/)
  })

  it('--logout forgets the login', async () => {
    await login(ANN)
    expect((await run(loginCommand, [bed.url, '--logout'])).stderr).toContain('Logged out')
    expect((await run(loginCommand, [bed.url, '--logout'])).stderr).toContain('Nobody')
    await expect(run(tokenCommand, [])).rejects.toMatchObject({ code: 'CHP-AUTH-FAILED' })
  })

  it.each([
    ['no URL', 'gateway'],
    ['a place without encryption', 'http://gateway.example.org'],
    ['a name that only looks like this machine', 'http://127.0.0.1.example.org'],
    ['a password in it', 'https://a:b@gateway.example.org'],
    ['a query', 'https://gateway.example.org?x=1'],
  ])('is refused for %s', async (_, url) => {
    await expect(run(loginCommand, [url])).rejects.toMatchObject({ code: 'CHP-CONFIG-INVALID' })
  })

  it('is refused where no gateway answers, or something else does', async () => {
    await expect(run(loginCommand, ['http://127.0.0.1:1'])).rejects.toMatchObject({ code: 'CHP-TARGET-UNREACHABLE' })
    await expect(run(loginCommand, [bed.provider.issuer])).rejects.toThrow('does not describe itself')
    await expect(run(loginCommand, [bed.url.replace('127.0.0.1', 'localhost')])).rejects.toThrow('calls itself')
  })
})

describe('chaperone token', () => {
  it('prints a token of the gateway, and nothing else', async () => {
    await login(ANN)
    const { stdout } = await run(tokenCommand, [])
    expect(await principalOf(stdout)).toEqual({
      claims: {},
      issuer: 'dev',
      subject: 'ann',
      kind: 'human',
      groups: ['doctors'],
      name: 'Ann',
      run: expect.any(String),
    })
    expect(stdout.trim()).not.toMatch(/\s/)
  })

  it('narrows it', async () => {
    await login(ANN)
    const asked = ['--purpose', 'TREAT', '--run', 'r1', '--patient', 'p1', '--patient', 'p2', '--target', 'hospital']
    expect(await principalOf((await run(tokenCommand, asked)).stdout)).toMatchObject({
      purpose: 'TREAT',
      run: 'r1',
      patients: ['p1', 'p2'],
      targets: ['hospital'],
    })
    expect(bed.records.at(-1)).toMatchObject({
      action: 'delegation.exchange',
      patients: '2',
      purpose: 'TREAT',
      run: 'r1',
    })
    expect(JSON.stringify(bed.records)).not.toContain('p1')
    const { stdout } = await run(tokenCommand, ['--json'])
    expect(JSON.parse(stdout)).toEqual({ token: expect.any(String), expiresAt: expect.stringMatching(/Z$/) })
    await expect(run(tokenCommand, ['--target', 'billing'])).rejects.toMatchObject({ code: 'CHP-DELEGATION-REFUSED' })
    await expect(run(tokenCommand, ['--purpose', 'FUN'])).rejects.toThrow('HL7')
  })

  it('delegates, with the login on either side, or without one', async () => {
    await login(ANN)
    const executor = join(bed.directory, 'executor.jwt')
    await writeFile(executor, `${await bed.provider.token('executor')}\n`)
    const mine = join(bed.directory, 'ann.jwt')
    await writeFile(mine, (await run(tokenCommand, [])).stdout)
    const acting = { subject: 'executor', onBehalfOf: [expect.objectContaining({ subject: 'ann' })] }
    expect(await principalOf((await run(tokenCommand, ['--actor', executor])).stdout)).toMatchObject(acting)
    const forExecutor = await principalOf((await run(tokenCommand, ['--on-behalf-of', executor])).stdout)
    expect(forExecutor).toMatchObject({ subject: 'ann', onBehalfOf: [{ subject: 'executor' }] })
    await run(loginCommand, [bed.url, '--logout'])
    const both = ['--on-behalf-of', mine, '--actor', executor, '--gateway', bed.url]
    expect(await principalOf((await run(tokenCommand, both)).stdout)).toMatchObject(acting)
    await expect(
      run(tokenCommand, ['--on-behalf-of', join(home, 'none'), '--actor', executor, '--gateway', bed.url]),
    ).rejects.toThrow('ENOENT')
  })

  it('fetches the login’s token anew when it is about to end, once for all who ask', async () => {
    const short = await startExchangeBed({ tokenLifetimeSeconds: 30 })
    const usual = bed
    bed = short
    try {
      await login(BOB)
      const before = await readFile(join(LOGINS(), encodeURIComponent(bed.url) + '.json'), 'utf8')
      const runs = await Promise.all([run(tokenCommand, []), run(tokenCommand, []), run(tokenCommand, [])])
      for (const { stdout } of runs) expect((await principalOf(stdout)).subject).toBe('bob')
      expect(await readFile(join(LOGINS(), encodeURIComponent(bed.url) + '.json'), 'utf8')).not.toBe(before)
      expect(await readdir(LOGINS())).toHaveLength(1)
    } finally {
      bed = usual
      await short.stop()
    }
  })

  it('is the login’s own where the gateway exchanges none', async () => {
    const plain = await startExchangeBed({ exchanges: false })
    const usual = bed
    bed = plain
    try {
      await login(ANN)
      const principal = await principalOf((await run(tokenCommand, [])).stdout)
      expect(principal).toMatchObject({ subject: 'ann' })
      expect(principal.run).toBeUndefined()
      await expect(run(tokenCommand, ['--purpose', 'TREAT'])).rejects.toThrow('exchanges no tokens')
    } finally {
      bed = usual
      await plain.stop()
    }
  })
})

describe('chaperone whoami', () => {
  it('shows the chain of a gateway token', async () => {
    await login(ANN)
    const executor = join(bed.directory, 'executor.jwt')
    await writeFile(executor, await bed.provider.token('executor'))
    const file = join(bed.directory, 'delegated.jwt')
    await writeFile(
      file,
      (await run(tokenCommand, ['--actor', executor, '--purpose', 'TREAT', '--patient', 'p-secret'])).stdout,
    )
    const { stdout } = await run(whoamiCommand, ['--config', bed.configFile, '--file', file])
    expect(stdout).toMatch(/^executor \(agent\) from dev\nfor {6}ann \(human\) from dev\n/)
    expect(stdout).toContain('purpose  TREAT')
    expect(stdout).toContain('patients 1')
    expect(stdout).not.toContain('p-secret')
    expect(stdout).toContain('hospital')
  })
})

describe('chaperone exec', () => {
  /** What a child finds. */
  const SHOW = `
    const { readFileSync, statSync, writeFileSync } = require('node:fs')
    const passfile = process.env.PGPASSFILE
    writeFileSync(process.argv[1], JSON.stringify({
      environment: process.env, passfile: readFileSync(passfile, 'utf8'), mode: statSync(passfile).mode & 0o777 }))
    process.exit(7)`

  it('gives a program the way and a token bound to the target, and takes them away again', async () => {
    await login(ANN)
    const file = join(bed.directory, 'shown.json')
    const ran = await run(execCommand, ['hospital', '--purpose', 'TREAT', '--', process.execPath, '-e', SHOW, file])
    expect(ran.status).toBe(7)
    const { environment, passfile, mode } = JSON.parse(await readFile(file, 'utf8'))
    expect(environment).toMatchObject({
      PGHOST: 'localhost',
      PGPORT: '5499',
      PGDATABASE: 'hospital',
      PGUSER: 'chaperone',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: '/etc/ours.pem',
      HOME: home,
    })
    expect(environment.JDBC_URL).toBe(
      'jdbc:postgresql://localhost:5499/hospital?sslmode=verify-full&sslrootcert=%2Fetc%2Fours.pem',
    )
    for (const name of ['PGPASSWORD', 'PGHOSTADDR']) expect(environment).not.toHaveProperty(name)
    expect(mode).toBe(0o600)
    const [, token = ''] = /^localhost:5499:\*:\*:(.*)\n$/.exec(passfile) ?? []
    expect(JSON.stringify(environment)).not.toContain(token)
    expect(await principalOf(token)).toMatchObject({ subject: 'ann', purpose: 'TREAT', targets: ['hospital'] })
    await expect(stat(environment.PGPASSFILE)).rejects.toThrow('ENOENT')
  })

  it('starts nothing without a token for the target', async () => {
    await login(ANN)
    const file = join(bed.directory, 'not-started')
    await expect(run(execCommand, ['billing', '--', process.execPath, '-e', SHOW, file])).rejects.toMatchObject({
      code: 'CHP-DELEGATION-REFUSED',
    })
    await expect(stat(file)).rejects.toThrow('ENOENT')
    await expect(run(execCommand, ['hospital', '--', join(home, 'nothing')])).rejects.toThrow('cannot be started')
  })

  it('passes signals on, and tells by which one the program ended', async () => {
    await login(ANN)
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../../cli/main.ts'),
        'exec',
        'hospital',
        '--',
        process.execPath,
        '-e',
        'console.log(process.env.PGPASSFILE); setInterval(() => {}, 1000)',
      ],
      {
        env: { HOME: home, PATH: process.env['PATH'] },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const closed = once(child, 'close')
    const [line] = await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect((await closed)[0]).toBe(143)
    await expect(stat(String(line).trim())).rejects.toThrow('ENOENT')
  })

  it('renews the token while the program runs', async () => {
    const short = await startExchangeBed({ tokenLifetimeSeconds: 9 })
    const usual = bed
    bed = short
    const watch = `
      const { readFileSync, watch, writeFileSync } = require('node:fs')
      const { dirname } = require('node:path')
      const first = readFileSync(process.env.PGPASSFILE, 'utf8')
      const timer = setInterval(() => {
        const now = readFileSync(process.env.PGPASSFILE, 'utf8')
        if (now === first) return
        clearInterval(timer)
        writeFileSync(process.argv[1], JSON.stringify([first, now]))
      }, 50)`
    try {
      await login(ANN)
      const file = join(bed.directory, 'renewed.json')
      expect((await run(execCommand, ['hospital', '--', process.execPath, '-e', watch, file])).status).toBe(0)
      const lines: string[] = JSON.parse(await readFile(file, 'utf8'))
      const runs = await Promise.all(lines.map(async (line) => (await principalOf(line.split(':').at(-1) ?? '')).run))
      expect(runs[0]).toBe(runs[1])
    } finally {
      bed = usual
      await short.stop()
    }
  })
})
