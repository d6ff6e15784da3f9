// Runs a command of this project on the pinned Node.js, after making sure that everything it needs is installed.
//
//   node tools/run.mjs SCRIPT [ARG …]     set up if needed, then run SCRIPT
//   node tools/run.mjs --setup-only       set up if needed
//
// Plain JavaScript for Node >= 20, because it is what runs before the pinned Node exists. When nothing has changed since
// the last set-up it costs a few milliseconds: the stamps hold a hash of the lock files they were made from.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))
const stamps = join(root, 'node_modules', '.chaperone')

const digest = (...parts) =>
  parts.reduce((hash, part) => hash.update(part).update('\0'), createHash('sha256')).digest('hex')
const stampIs = (file, value) => existsSync(file) && readFileSync(file, 'utf8') === value

function fail(message) {
  process.stderr.write(`chaperone setup: ${message}\n`)
  process.exit(1)
}

// "install --no-save" and not "ci": registries without every platform's optional package make npm leave those out of the
// lock file, and "ci" then refuses it. Versions and integrity hashes come from the lock file either way.
const install = ['install', '--no-save']

/** npm is run by the given Node, so that native add-ons are built for, and engines are checked against, that one. */
function npm(node, args, env) {
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('.js') ? [node, [cli]] : ['npm', []]
  const done = spawnSync(command, [...first, ...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
  })
  if (done.error) fail(`npm could not be started: ${done.error.message}`)
  if (done.status !== 0) fail(`"npm ${args.join(' ')}" ended with status ${done.status ?? done.signal}`)
}

function pinnedNode() {
  const name = `node-${process.platform}-${process.arch}`
  const home = join(root, 'toolchain', 'node_modules', name)
  const lock = readFileSync(join(root, 'toolchain', 'package-lock.json'))
  if (!lock.includes(`node_modules/${name}"`)) {
    const [major, minor] = process.versions.node.split('.').map(Number)
    if (major === 24 && minor >= 12) return { node: process.execPath, home: undefined }
    fail(
      `no Node.js 24 for ${process.platform}-${process.arch} is pinned from the registry; run this with Node.js >= 24.12 and < 25 (this is ${process.version})`,
    )
  }
  const stamp = join(root, 'toolchain', 'node_modules', '.chaperone-stamp')
  const wanted = digest(lock)
  if (!stampIs(stamp, wanted) || !existsSync(join(home, 'bin', 'node'))) {
    process.stderr.write('chaperone setup: installing the pinned Node.js …\n')
    npm(process.execPath, [...install, '--prefix', 'toolchain'], process.env)
    writeFileSync(stamp, wanted)
  }
  return { node: join(home, 'bin', 'node'), home }
}

function environment({ node, home }) {
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` }
  if (home) env.npm_config_nodedir = home
  return env
}

function dependencies(runtime) {
  const stamp = join(stamps, 'dependencies')
  const wanted = digest(
    readFileSync(join(root, 'package-lock.json')),
    readFileSync(join(root, 'package.json')),
    runtime.node,
  )
  if (stampIs(stamp, wanted)) return
  process.stderr.write('chaperone setup: installing the dependencies …\n')
  npm(runtime.node, install, environment(runtime))
  mkdirSync(stamps, { recursive: true })
  writeFileSync(stamp, wanted)
}

const runtime = pinnedNode()
dependencies(runtime)
const args = process.argv.slice(2)
if (args[0] !== '--setup-only') {
  if (args.length === 0) fail('usage: node tools/run.mjs SCRIPT [ARG …]')
  const child = spawn(runtime.node, args, { stdio: 'inherit', env: environment(runtime) })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => (signal ? process.kill(process.pid, signal) : process.exit(code ?? 1)))
}
