import { Command } from 'commander'
import { table } from '../../cli/terminal.ts'
import { mergeSpans } from '../../src/phi/detect/span.ts'
import { BUILTIN_DETECTOR_IDS } from '../../src/phi/detect/builtin-detectors.ts'
import { compileDetectors, type DetectorSettings, type TextDetectors } from '../../src/phi/detect/text-detectors.ts'
import { makeCorpus, type Note } from './corpus.ts'
import { cleanShare, type Recall, type Score, scoreCorpus } from './score.ts'

const HEADING = [
  'Identifier',
  'Planted',
  'Recall, known spellings',
  'Recall, held out',
  'Held out, with the row',
  'Precision',
] as const

const percent = (part: number, of: number): string => (of === 0 ? '–' : `${((100 * part) / of).toFixed(1)} %`)
const recall = ({ found, planted }: Recall): string => percent(found, planted)
const sum = (scores: readonly Score[], pick: (score: Score) => number): number =>
  scores.reduce((total, score) => total + pick(score), 0)

const all = (of: readonly Score[]): Score => ({
  identifier: 'name',
  known: { planted: sum(of, ({ known }) => known.planted), found: sum(of, ({ known }) => known.found) },
  heldOut: { planted: sum(of, ({ heldOut }) => heldOut.planted), found: sum(of, ({ heldOut }) => heldOut.found) },
  spans: sum(of, ({ spans }) => spans),
  right: sum(of, ({ right }) => right),
})
const row = (name: string, score: Score, other: Score | undefined): readonly string[] => [
  name,
  String(score.known.planted + score.heldOut.planted),
  recall(score.known),
  recall(score.heldOut),
  other === undefined ? '–' : recall(other.heldOut),
  percent(score.right, score.spans),
]

/** Rows of the table: one an identifier, and all of them together. */
function rows(
  scores: readonly Score[],
  withRow: readonly Score[],
  without: readonly Score[],
): readonly (readonly string[])[] {
  return [
    ...scores.map((score, at) => row(score.identifier, score, withRow[at])),
    row('all', all(scores), all(withRow)),
    row('all, without the detector proper-noun', all(without), undefined),
  ]
}

const SETTINGS: DetectorSettings = { builtin: 'all', patterns: [], external: false, knownValues: 'row' }

/** Megabytes of notes a second, by one thread, once the code is compiled. */
function throughput(notes: readonly Note[], detectors: TextDetectors): number {
  const size = notes.reduce((total, { text }) => total + Buffer.byteLength(text), 0)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round += 1) {
    // Processor time: other programs on the machine do not count.
    const before = process.cpuUsage()
    for (const { text } of notes) mergeSpans(detectors.find(text))
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, user + system)
  }
  // Bytes in a microsecond are megabytes in a second.
  return size / best
}

/** Runs `npm run bench -- detectors`. */
export function benchDetectors(argv: readonly string[]): void {
  const command = new Command('npm run bench -- detectors')
    .description('How much the built-in detectors find of what is planted in made-up clinical notes, and how fast.')
    .option('--notes <n>', 'how many notes', Number, 5000)
    .option('--seed <n>', 'of the generator', Number, 1)
    .option('--markdown', 'the table as it stands in bench/README.md')
    .parse(argv, { from: 'user' })
  const { notes: count, seed, markdown } = command.opts<{ notes: number; seed: number; markdown?: true }>()
  const notes = makeCorpus(seed, count)
  const detectors = compileDetectors(SETTINGS)
  const fewer = BUILTIN_DETECTOR_IDS.filter((id) => id !== 'proper-noun')
  const without = scoreCorpus(notes, compileDetectors({ ...SETTINGS, builtin: fewer }), false)
  const found = rows(scoreCorpus(notes, detectors, false), scoreCorpus(notes, detectors, true), without)
  const clean = notes.filter(({ planted }) => planted.length === 0).length
  const lines =
    markdown === true
      ? [HEADING, HEADING.map(() => '---'), ...found].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
      : table(HEADING, found)
  process.stdout.write(
    `${lines}\n\n${count} notes of seed ${seed}, ${notes.length - clean} of them with identifiers, half of these held out; in ` +
      `${percent(cleanShare(notes, detectors), 1)} of those nothing was missed; ` +
      `${throughput(notes, detectors).toFixed(1)} MB/s on one core\n`,
  )
}
