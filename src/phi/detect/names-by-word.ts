import { isClinicalWord } from './clinical-words.ts'
import { isNameWord } from './name-words.ts'
import { PERSON_NAMES } from './person-names.ts'
import type { Span } from './span.ts'

/** Signs and diseases that are called by a common surname: what stands behind it then. */
const EPONYMS: ReadonlyMap<string, RegExp> = new Map([
  ['adams', /^attack/],
  ['allen', /^test/],
  ['baker', /^cyst/],
  ['becker', /^(?:muscular|dystrophy|nevus)/],
  ['evans', /^syndrome/],
  ['hoffmann', /^(?:sign|reflex)/],
  ['murphy', /^sign/],
  ['nelson', /^syndrome/],
  ['thomas', /^(?:test|splint)/],
  ['turner', /^syndrome/],
  ['weber', /^(?:test|syndrome)/],
  ['wilson', /^disease/],
  ['wright', /^stain/],
])

const WORD = /[\p{L}\p{M}][\p{L}\p{M}'-]{1,40}/gu
const MARKS = /[\p{M}']/gu
const ONLY_ASCII = /^[\0-\x7f]*$/

interface Word {
  readonly start: number
  readonly end: number
  /** Begins with a capital letter, and could be part of a name by that. */
  readonly capital: boolean
  readonly common: boolean
}

/** By which words a name is known. */
export interface NameRules {
  /** A common given or family name: a capitalised one, or two of them side by side in any case. */
  readonly common: boolean
  /** Any capitalised word that begins no sentence and that is not known to be about nobody. */
  readonly proper: boolean
}

/** Adds the names of a text that its words give away, each with the capitalised words next to it. */
export function findNames({ common, proper }: NameRules, text: string, found: Span[]): void {
  let previous: Word | undefined
  let open: Run | undefined
  const close = (): void => {
    if (open?.detector !== undefined) {
      const { start, end, detector } = open
      found.push({ start, end, class: 'name', detector, ...(detector === 'proper-noun' && { weak: true }) })
    }
    open = undefined
  }
  WORD.lastIndex = 0
  for (let match = WORD.exec(text); match !== null; match = WORD.exec(text)) {
    const word = readWord(match[0], match.index, text)
    const adjoins = previous !== undefined && isGap(text, previous.end, word.start)
    if (!adjoins) close()
    const pair = common && adjoins && word.common && previous?.common === true ? previous : undefined
    if (word.capital || pair !== undefined) {
      const run: Run = open ?? { start: (pair ?? word).start, end: word.end, detector: undefined }
      run.end = word.end
      if (common && word.common) run.detector = 'common-name'
      else if (proper && isProper(word, text)) run.detector ??= 'proper-noun'
      open = run
    } else close()
    previous = word
  }
  close()
}

/** Words side by side that could be one name, and what says that it is one. */
interface Run {
  readonly start: number
  end: number
  detector: string | undefined
}

const DIGIT = /[0-9]/
const OPENS_WORD = /^[\s"'([-]?$/
/** What a sentence begins with in front of its first word. */
const BEFORE_SENTENCE = /(?:^|[.!?:;\n\r\t|*•>]|^-| -)["'([]?\s{0,3}$/

function isProper({ start, end, capital }: Word, text: string): boolean {
  // A part of a path or of a code is no word of a sentence.
  if (!capital || DIGIT.test(text.charAt(end)) || !OPENS_WORD.test(text.charAt(start - 1))) return false
  const word = text.slice(start, end)
  // Text all in capitals says nothing by them.
  if (word === word.toUpperCase() || isClinicalWord(word) || isEponym(word, text, end)) return false
  return !BEFORE_SENTENCE.test(text.slice(Math.max(0, start - 6), start))
}

function readWord(word: string, start: number, text: string): Word {
  const end = start + word.length
  const first = word.charAt(0)
  const capital = first !== first.toLowerCase() && isNameWord(word)
  const common = isCommon(word) && !isEponym(word, text, end)
  return { start, end, capital, common }
}

function isCommon(word: string): boolean {
  const plain = (ONLY_ASCII.test(word) ? word : word.normalize('NFKD').replaceAll(MARKS, '')).toLowerCase()
  if (PERSON_NAMES.has(plain.replaceAll("'", ''))) return true
  if (plain.endsWith("'s")) return PERSON_NAMES.has(plain.slice(0, -2))
  return plain.includes('-') && plain.split('-').some((part) => PERSON_NAMES.has(part))
}

function isEponym(word: string, text: string, end: number): boolean {
  const behind = EPONYMS.get(word.toLowerCase().replace(/'s$/, ''))
  return behind?.test(text.slice(end, end + 20).replace(/^(?:'s)?[ -]/, '')) ?? false
}

const MAX_GAP = 4

/** Whether only a blank, a comma or an initial stands between two words. */
function isGap(text: string, from: number, to: number): boolean {
  return to - from <= MAX_GAP && /^(?:,? ?| \p{Lu}\.? ?)$/u.test(text.slice(from, to))
}
