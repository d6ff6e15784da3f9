import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface GatewayProcess {
  readonly port: number
  stop(): Promise<void>
}

const COMMAND = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000
/** Kept of the log to explain a failed start. */
const TAIL_BYTES = 4000

/** Runs `chaperone serve` as its users do, and waits until it listens. Rejects with the end of its log when it does not. */
export async function startGatewayProcess(configFile: string, logFile: string | undefined): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [COMMAND, 'serve', '-c', configFile], { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = logFile === undefined ? undefined : createWriteStream(logFile)
  let tail = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_BYTES)
    log?.write(text)
  })
  const stop = async () => {
    await end(child)
    log?.end()
  }
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  try {
    const port = await listeningPort(child)
    return {
      port,
      stop: async () => {
        await stop()
        process.removeListener('exit', atExit)
      },
    }
  } catch (cause) {
    await stop()
    throw new Error(`the gateway did not start:\n${tail.trim()}`, { cause })
  }
}

/** `serve` prints one JSON value once it listens. */
function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it took too long')), START_TIMEOUT_MS)
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part
      const port = portIn(text)
      if (port === undefined) return
      clearTimeout(timer)
      resolve(port)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      reject(new Error(`it ended with ${code ?? signal}`))
    })
  })
}

function portIn(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'port' in value) return Number(value.port)
  } catch {
    // Not complete yet.
    return undefined
  }
  return undefined
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await gone
  clearTimeout(timer)
}
