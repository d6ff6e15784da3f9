import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { makeKeyFile } from '../config/key-file.ts'
import { weakerSettings } from '../config/weaker-settings.ts'
import type { Clock } from '../lib/clock.ts'
import { ChaperoneError } from '../lib/errors.ts'
import { fragment } from '../record/canonical.ts'
import { NO_SESSION } from '../record/format.ts'
import { Journal } from '../record/journal.ts'
import { VERSION } from '../version.ts'
import type { Log } from './log.ts'

/** Opens the journal: nobody else writes to it, or uses the same directory, until it is closed. */
export async function openJournal(config: Config, clock: Clock, log: Log): Promise<Journal> {
  const { journal: settings } = config
  return Journal.open({
    directory: settings.directory,
    durability: settings.durability,
    segmentBytes: settings.segmentSize,
    bodyKey: bodyKey(settings.bodyKeyFile, log),
    sealRecipients: settings.sealTo,
    minimumFreeBytes: settings.minimumFreeSpace,
    reserveBytes: settings.reserveSpace,
    origin: 'chaperone',
    clock,
    onWarning: (warning) => log.warn(warning, 'journal'),
  })
}

/** Records the start, and names what is weaker than the default. */
export function recordStart(journal: Journal, config: Config, log: Log): void {
  const weaker = weakerSettings(config)
  if (weaker.length > 0) log.warn({ settings: weaker }, 'weaker settings are in force')
  const what = fragment({ policy: config.policyVersion, version: VERSION, weakerSettings: weaker })
  journal.append({ kind: 'gateway-start', session: NO_SESSION, op: 0, what, who: fragment({}) })
}

/** Records the end and closes; a journal that has failed is only closed. */
export async function closeJournal(journal: Journal): Promise<void> {
  if (journal.state === 'open' || journal.state === 'ending') {
    journal.append({ kind: 'gateway-stop', session: NO_SESSION, op: 0, what: fragment({}), who: fragment({}) })
  }
  await journal.close()
}

/** A connection of the gateway's own to a target, on nobody's behalf. */
export function recordProbe(journal: Journal, target: string, purpose: string): void {
  const what = fragment({ purpose, target })
  journal.append({ kind: 'probe', session: NO_SESSION, op: 0, what, who: fragment({}) })
}

/** 32 bytes in hexadecimal. Made on the first start. */
function bodyKey(file: string, log: Log): Buffer {
  if (makeKeyFile(file, 'hex'))
    log.info({ file }, 'made a key for the journal bodies; keep a copy of it in a safe place')
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new ChaperoneError('CHP-CONFIG-INVALID', {
      message: `the key file ${file} does not hold 64 hexadecimal digits`,
    })
  }
  return Buffer.from(text, 'hex')
}
