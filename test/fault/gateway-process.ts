import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface GatewayProcess {
  readonly port: number
  readonly pid: number
  /** What it wrote to standard error. */
  stderr(): string
  /** Ends it as a crash would. */
  kill9(): Promise<void>
  /** Ends it in order; resolves with its exit status. */
  stop(): Promise<number | null>
  /** Resolves with the exit status when it ends by itself. */
  readonly exited: Promise<number | null>
}

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** `chaperone serve` as a process of its own. */
export async function startGatewayProcess(
  configFile: string,
  options: { readonly largestFileBlocks?: number } = {},
): Promise<GatewayProcess> {
  const serve: readonly [string, ...string[]] = [process.execPath, CLI, 'serve', '-c', configFile]
  // The limit makes writes fail with EFBIG, as a full quota does; ignoring the signal is what a service manager does too.
  const limited: readonly [string, ...string[]] = [
    '/bin/sh',
    '-c',
    `trap '' XFSZ; ulimit -f ${options.largestFileBlocks}; exec "$@"`,
    'sh',
    ...serve,
  ]
  const [command, ...args] = options.largestFileBlocks === undefined ? serve : limited
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '' },
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8')
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const port = await new Promise<number>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
      const found = /"port": (\d+)/.exec(output)
      if (found !== null) resolve(Number(found[1]))
    })
    void exited.then((code) => reject(new Error(`the gateway ended with status ${code}: ${errors}`)))
  })
  return {
    port,
    pid: child.pid ?? 0,
    stderr: () => errors,
    kill9: async () => {
      child.kill('SIGKILL')
      await exited
    },
    stop: () => {
      child.kill('SIGTERM')
      return exited
    },
    exited,
  }
}
