import { Command, Option } from 'commander'
import { pino } from 'pino'
import { startGateway } from '../../src/main.ts'
import { configOption, jsonOption, readConfig } from '../config-option.ts'
import type { CommandContext } from '../terminal.ts'

export const serveCommand = (context: CommandContext): Command =>
  new Command('serve')
    .description('Start the gateway and run until it is told to stop (SIGINT, SIGTERM).')
    .addOption(configOption())
    .addOption(
      new Option('--log-level <level>', 'least level of the log on standard error')
        .choices(['debug', 'info', 'warn', 'error'])
        .env('CHAPERONE_LOG_LEVEL')
        .default('info'),
    )
    .addOption(jsonOption().hideHelp())
    .action(async (options: { readonly config: string; readonly logLevel: string }) => {
      const config = readConfig(options.config, context)
      const log = pino(
        { level: options.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
        pino.destination(2),
      )
      // Listened for from the start: a signal that comes while the gateway opens must not end it half-way.
      const stopped = stopSignal()
      const gateway = await startGateway(config, { environment: context.environment, log })
      const { host } = config.listen.postgres
      context.out.json({ event: 'listening', protocol: 'postgres', host, port: gateway.port })
      const failure = await Promise.race([gateway.failed, stopped])
      log.info({}, 'stopping')
      await gateway.stop()
      if (failure !== undefined) throw failure
    })

function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined))
  })
}
