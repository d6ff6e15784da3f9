#!/usr/bin/env node
import { Command } from 'commander'
import { processEnvironment } from '../src/config/environment.ts'
import { VERSION } from '../src/version.ts'
import { approvalsCommand } from './commands/approvals.ts'
import { checkCommand } from './commands/check.ts'
import { demoCommand } from './commands/demo.ts'
import { execCommand } from './commands/exec.ts'
import { loginCommand } from './commands/login.ts'
import { killCommand } from './commands/kill.ts'
import { passkeysCommand } from './commands/passkeys.ts'
import { phiCommand } from './commands/phi.ts'
import { policyCommand } from './commands/policy.ts'
import { requestsCommand } from './commands/requests.ts'
import { restoreCommand, revokeCommand } from './commands/revoke.ts'
import { serveCommand } from './commands/serve.ts'
import { sessionsCommand } from './commands/sessions.ts'
import { tokenCommand } from './commands/token.ts'
import { tokensCommand } from './commands/tokens.ts'
import { verifyCommand } from './commands/verify.ts'
import { whoamiCommand } from './commands/whoami.ts'
import { describeFailure } from './failure.ts'
import { terminal } from './terminal.ts'

const program = new Command('chaperone')
  .description('Identity-aware gateway between AI agents and systems that hold protected health information.')
  .version(VERSION)
  .showHelpAfterError('(add --help for usage)')

// A reader that has seen enough (head, a pager) closes the pipe; there is nobody left to tell.
process.stdout.on('error', () => process.exit(1))

const environment = processEnvironment()
const out = terminal(process)
for (const command of [
  serveCommand,
  checkCommand,
  phiCommand,
  policyCommand,
  demoCommand,
  sessionsCommand,
  killCommand,
  revokeCommand,
  restoreCommand,
  loginCommand,
  approvalsCommand,
  requestsCommand,
  passkeysCommand,
  tokenCommand,
  execCommand,
  whoamiCommand,
  tokensCommand,
  verifyCommand,
]) {
  program.addCommand(command({ environment, out }))
}

try {
  await program.parseAsync()
} catch (error) {
  out.error(describeFailure(error))
  process.exitCode = 1
}
