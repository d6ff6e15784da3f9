import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mutant } from './mutants.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const COPIED = ['src', 'cli', 'demo', 'package.json']

/** The source text with the defect. Throws when it does not fit the source any more. */
export async function mutatedSource({ name, file, edits }: Mutant): Promise<string> {
  let text = await readFile(join(ROOT, 'src', file), 'utf8')
  for (const [from, to] of edits) {
    const times = text.split(from).length - 1
    if (times !== 1) throw new Error(`"${name}": src/${file} has what is to be replaced ${times} times`)
    text = text.replace(from, () => to)
  }
  return text
}

/** A copy of the sources with one defect, for as long as `use` runs; the sources themselves are not touched. */
export async function withMutant<T>(mutant: Mutant, use: (root: string) => Promise<T>): Promise<T> {
  const text = await mutatedSource(mutant)
  const root = await mkdtemp(join(tmpdir(), 'chaperone-mutant-'))
  try {
    for (const part of COPIED) await cp(join(ROOT, part), join(root, part), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'))
    await writeFile(join(root, 'src', mutant.file), text)
    return await use(root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}
