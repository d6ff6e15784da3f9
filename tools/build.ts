/**
 * Compiles what is published into `dist/`: `tsc` for the code, a copy for the files beside it that are not TypeScript.
 *
 *   npm run build
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')
const FOLDERS = ['src', 'cli', 'demo'] as const
/** Not needed at run time. */
const LEFT_OUT = /(?:\.ts|\.md)$/

function fail(message: string): never {
  process.stderr.write(`build: ${message}\n`)
  process.exit(1)
}

const filesBelow = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, withFileTypes: true, encoding: 'utf8' })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : []

function compile(): void {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status, error } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error) fail(error.message)
  if (status !== 0) fail('the compiler reported errors')
}

function copyTheRest(): void {
  for (const folder of FOLDERS) {
    for (const from of filesBelow(join(root, folder)).filter((path) => !LEFT_OUT.test(path))) {
      const to = join(dist, from.slice(root.length))
      mkdirSync(dirname(to), { recursive: true })
      copyFileSync(from, to)
    }
  }
}

function makeExecutable(): void {
  const program = join(dist, 'cli', 'main.js')
  if (!existsSync(program)) fail('cli/main.ts was not compiled, so there is no command to publish')
  if (!readFileSync(program, 'utf8').startsWith('#!/usr/bin/env node\n')) {
    fail('cli/main.ts must start with "#!/usr/bin/env node", or the installed command does not run')
  }
  chmodSync(program, 0o755)
}

rmSync(dist, { recursive: true, force: true })
compile()
copyTheRest()
makeExecutable()
process.stdout.write(`built ${filesBelow(dist).filter((path) => path.endsWith('.js')).length} modules into dist/\n`)
