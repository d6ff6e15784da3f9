import { randomBytes, randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../lib/error-code.ts'
import { StoreUnusable } from '../store-unusable.ts'

const NAME = 'superuser-password'

/**
 * The password of the superuser of the embedded server: random, in a file that only this user can read. Made when there is no
 * cluster yet; of several processes that make it at once, one wins.
 */
export async function superuserPassword(directory: string, clusterExists: boolean): Promise<string> {
  const path = join(directory, NAME)
  const known = await readPassword(path)
  if (known !== undefined) return known
  if (clusterExists) {
    throw new StoreUnusable(`the file ${path} is missing; the store cannot be opened without the password in it`)
  }
  await mkdir(directory, { recursive: true })
  // Complete before it has its name, and on disk before a cluster can depend on it.
  const complete = `${path}.${randomUUID()}`
  const handle = await open(complete, 'wx', 0o600)
  try {
    await handle.writeFile(`${randomBytes(24).toString('base64url')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await link(complete, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(complete, { force: true })
  }
  const made = await readPassword(path)
  if (made === undefined) throw new Error(`the file ${path} has vanished`)
  return made
}

async function readPassword(path: string): Promise<string | undefined> {
  try {
    const password = (await readFile(path, 'utf8')).trim()
    if (password === '') throw new StoreUnusable(`the file ${path} is empty; restore it from a backup`)
    return password
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}
