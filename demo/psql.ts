import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Where psql is, if it is installed. */
export async function findPsql(environment: Readonly<Record<string, string | undefined>>): Promise<string | undefined> {
  for (const directory of (environment['PATH'] ?? '').split(delimiter)) {
    const file = join(directory, 'psql')
    if (directory !== '' && (await isExecutable(file))) return file
  }
  return undefined
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
