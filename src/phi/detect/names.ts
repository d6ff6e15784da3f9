import { isNameWord } from './name-words.ts'
import type { TextPattern } from './text-pattern.ts'
import { CAPITALISED, NAME_WORDS } from './text-words.ts'

const TITLE =
  '(?:Mr|Mrs|Ms|Miss|Mx|Dr|Drs|Prof|Rev|Sra?|Hon|Sgt|Capt|Doctor|Professor|Nurse|MR|MRS|MS|DR|Aunt|Uncle|Grandma|Grandpa)\\.?(?:/(?:Mr|Mrs|Ms)\\.?)?'
const RELATION =
  '(?:[Pp]atient|PATIENT|[Pp]t\\.?|PT\\.?|[Mm]other|[Ff]ather|[Mm]om|[Dd]ad|[Pp]arents?|[Ss]on|[Dd]aughter|[Ww]ife|[Hh]usband|[Ss]pouse|[Pp]artner|[Ff]ianc[eé]e?|[Ss]ister|[Bb]rother|[Ss]ibling|[Gg]rand(?:mother|father|son|daughter|child)|[Aa]unt|[Uu]ncle|[Nn]iece|[Nn]ephew|[Cc]ousin|[Ff]riend|[Nn]eighbou?r|[Rr]oommate|[Gg]uardian|[Cc]aregiver|[Cc]hild|[Ii]nfant|[Bb]aby (?:boy|girl)|[Bb]oyfriend|[Gg]irlfriend|[Ii]nterpreter)'
const ROLE =
  '(?:[Nn]ame|NAME|[Ff]irst name|[Ll]ast name|[Ss]urname|[Mm]aiden name|[Aa]lias|AKA|aka|[Aa]ttending|[Pp]rovider|PCP|[Pp]hysician|[Ss]urgeon|[Aa]uthor|[Cc]ontact|[Nn]ext of kin|NOK|[Ee]mergency contact|[Ss]poke (?:with|to)|[Tt]alked (?:with|to)|[Dd]iscussed with|[Ss]igned(?: by)?|[Ee]lectronically signed by|[Dd]ictated by|[Tt]ranscribed by|[Ss]een by|[Ee]valuated by|[Ee]xamined by|[Pp]erformed by|[Oo]rdered by|[Rr]eviewed by|[Rr]eferred (?:by|to)|[Aa]ccompanied by|[Bb]rought in by|[Ss]igned|[Dd]ear|DEAR|Attn|ATTN|[Cc]c|CC|named|called|known as|[Ii]nsured|[Ss]ubscriber|[Gg]uarantor|[Pp]roxy|POA|[Rr]equested by|[Cc]alled by|[Pp]er)'
const EMPLOYED =
  '(?:[Ww]ork(?:s|ed|ing)?|[Ee]mployed|[Ee]mployer|[Jj]ob|[Vv]olunteers?|[Ss]tudent|[Aa]ttends|[Ss]chool)(?: at| for| by| with|:| is)?'
const CREDENTIALS =
  '(?:M\\.?D|D\\.?O|R\\.?N|N\\.?P|PA-?C|LCSW|MSW|Ph\\.?D|DDS|DMD|PharmD|LPN|APRN|CNP|FNP|CRNA|MBBS|DPT|OTR|RPh|CNM)\\b'

/** Between a cue and a name. */
const TO_NAME = "(?:'s)?(?: name)?(?: is| was| named|,|:|-)? {0,2}"
const LAST_FIRST = `${CAPITALISED}, ?${CAPITALISED}(?: \\p{Lu}\\b\\.?)?`

/** Names that something in front of them or behind them gives away. */
export const NAME_PATTERNS: readonly TextPattern[] = [
  { class: 'name', pattern: new RegExp(`(\\b${TITLE} {1,2}(?:\\p{Lu}\\. ?)?)${NAME_WORDS}`, 'gu'), valid: startsName },
  {
    class: 'name',
    pattern: new RegExp(`(\\b${RELATION}${TO_NAME} )(?:${LAST_FIRST}|${NAME_WORDS})`, 'gu'),
    valid: startsName,
  },
  {
    class: 'name',
    pattern: new RegExp(`(\\b${ROLE}(?:'s)?[:,.]? {1,2}(?:${TITLE} )?)(?:${LAST_FIRST}|${NAME_WORDS})`, 'gu'),
    valid: startsName,
  },
  {
    class: 'name',
    pattern: new RegExp(`(\\b${EMPLOYED} (?:the )?)${CAPITALISED}(?: (?:&|and|of|${CAPITALISED})){0,4}`, 'gu'),
    valid: startsName,
  },
  { class: 'name', pattern: new RegExp(`${NAME_WORDS},? {1,2}${CREDENTIALS}`, 'gu') },
]

/** Whether the first word of a text can be that of a name: not an ordinary word, nor an abbreviation in capitals. */
function startsName(text: string): boolean {
  const first = /^[\p{L}\p{M}'-]{1,40}/u.exec(text)?.[0] ?? ''
  return isNameWord(first)
}
