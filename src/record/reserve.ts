import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { CREATE_NEW, errorName, type JournalFs, syncDirectory, writeWhole } from './journal-fs.ts'

export const RESERVE_NAME = 'reserve'
const CHUNK_BYTES = 1024 * 1024

/** Space held back so that sessions can still be ended in order when the disk is full. */
export class Reserve {
  readonly #system: JournalFs
  readonly #directory: string
  #held: boolean

  private constructor(system: JournalFs, directory: string, held: boolean) {
    this.#system = system
    this.#directory = directory
    this.#held = held
  }

  /**
   * Keeps the reserve of an earlier run or writes a new one. Random bytes, because a file system that compresses or
   * punches holes would give zeros no blocks. Zero bytes: no reserve.
   * @throws Error of the system call that failed, ENOSPC above all.
   */
  static hold(system: JournalFs, directory: string, bytes: number): Reserve {
    const path = join(directory, RESERVE_NAME)
    const present = sizeOf(system, path)
    if (present === bytes && bytes > 0) return new Reserve(system, directory, true)
    if (present !== undefined) system.unlinkSync(path)
    if (bytes === 0) return new Reserve(system, directory, false)
    const fd = system.openSync(path, CREATE_NEW, 0o600)
    try {
      const chunk = Buffer.allocUnsafe(Math.min(bytes, CHUNK_BYTES))
      for (let written = 0; written < bytes; written += chunk.length) {
        randomFillSync(chunk)
        writeWhole(system, fd, chunk.subarray(0, Math.min(chunk.length, bytes - written)))
      }
      system.fsyncSync(fd)
    } catch (error) {
      system.unlinkSync(path)
      throw error
    } finally {
      system.closeSync(fd)
    }
    return new Reserve(system, directory, true)
  }

  /**
   * Gives the space back to the file system. False when there is none (any more).
   * @throws Error of the system call that failed.
   */
  release(): boolean {
    if (!this.#held) return false
    this.#held = false
    this.#system.unlinkSync(join(this.#directory, RESERVE_NAME))
    // Some file systems (ext4) hand out freed blocks only after their own journal has committed the removal.
    syncDirectory(this.#system, this.#directory)
    return true
  }
}

function sizeOf(system: JournalFs, path: string): number | undefined {
  try {
    return system.statSync(path).size
  } catch (error) {
    if (errorName(error) === 'ENOENT') return undefined
    throw error
  }
}
