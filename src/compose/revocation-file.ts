import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Revocation } from '../identity/revocations.ts'
import { codeOf } from '../lib/error-code.ts'
import { ChaperoneError } from '../lib/errors.ts'

/** A revocation as this gateway keeps it. */
export interface KeptRevocation extends Revocation {
  /** Whether the store has it, so that one that goes away was lifted elsewhere. */
  readonly isShared: boolean
}

const time = z.int().min(0).optional()

const kept = z.strictObject({
  id: z.string(),
  thing: z.union([
    z.strictObject({ kind: z.literal('token'), digest: z.string() }),
    z.strictObject({ kind: z.literal('tokenId'), issuer: z.string(), id: z.string() }),
    z.strictObject({ kind: z.literal('member'), member: z.string() }),
    z.strictObject({ kind: z.literal('run'), run: z.string() }),
  ]),
  issuedBefore: time,
  until: time,
  reason: z.string(),
  createdAt: z.int().min(0),
  isShared: z.boolean(),
})

const content = z.strictObject({ version: z.literal(1), revocations: z.array(kept) })

/**
 * What this gateway knows of revocations, on disk: all there is where there is no store, and what is believed while the store does not
 * answer. A file that cannot be read stops the start (CHP-CONFIG-INVALID): nobody would be revoked.
 */
export class RevocationFile {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  read(): readonly KeptRevocation[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw unreadable(this.#file, codeOf(error) ?? 'error')
    }
    const parsed = content.safeParse(parseJson(text))
    if (!parsed.success) throw unreadable(this.#file, 'it is not what a gateway writes')
    return parsed.data.revocations.map((revocation) => {
      return { ...revocation, issuedBefore: revocation.issuedBefore, until: revocation.until }
    })
  }

  /** Durable when it returns; a reader finds the old list or the new one. */
  write(revocations: readonly KeptRevocation[]): void {
    const unfinished = `${this.#file}.${randomBytes(8).toString('hex')}`
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
      const text = `${JSON.stringify({ version: 1, revocations }, null, 2)}\n`
      writeFileSync(unfinished, text, { flag: 'wx', mode: 0o600, flush: true })
      renameSync(unfinished, this.#file)
    } finally {
      rmSync(unfinished, { force: true })
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(file: string, why: string): ChaperoneError {
  return new ChaperoneError('CHP-CONFIG-INVALID', {
    message: `the list of revocations in ${file} cannot be read (${why})`,
    hint: 'Put a copy of it back. Without it, nobody would be revoked: remove it only if that is right.',
  })
}
