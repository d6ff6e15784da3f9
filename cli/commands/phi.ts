import { Command } from 'commander'
import type { CommandContext } from '../terminal.ts'
import { phiCoverageCommand } from './phi-coverage.ts'
import { phiDiscoverCommand } from './phi-discover.ts'

export const phiCommand = (context: CommandContext): Command =>
  new Command('phi')
    .description('Labels: find what should have one, and see what has none.')
    .addCommand(phiDiscoverCommand(context))
    .addCommand(phiCoverageCommand(context))
