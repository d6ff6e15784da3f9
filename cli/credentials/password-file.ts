import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A private directory with what a PostgreSQL client reads (documentation, section "The Password File"). */
export class PasswordFile {
  readonly #directory: string
  readonly #server: string

  private constructor(directory: string, server: string) {
    this.#directory = directory
    this.#server = server
  }

  /** In a directory that nobody else may enter; on a file system in memory where there is one. */
  static async make(
    { host, port }: { readonly host: string; readonly port: number },
    environment: Readonly<Record<string, string | undefined>>,
  ): Promise<PasswordFile> {
    const runtime = environment['XDG_RUNTIME_DIR']
    const base = runtime?.startsWith('/') === true ? runtime : tmpdir()
    const directory = await mkdtemp(join(base, 'chaperone-'))
    return new PasswordFile(directory, `${escaped(host)}:${port}:*:*`)
  }

  get path(): string {
    return join(this.#directory, 'pgpass')
  }

  /** Puts a token in place of the one before; who reads meanwhile gets one of the two. */
  async put(token: string): Promise<void> {
    const unfinished = `${this.path}.${randomBytes(8).toString('hex')}`
    await writeFile(unfinished, `${this.#server}:${escaped(token)}\n`, { flag: 'wx', mode: 0o600 })
    await rename(unfinished, this.path)
  }

  /** Synchronous, so that it can be the last thing that a process does. */
  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\:]/g, '\\$&')
