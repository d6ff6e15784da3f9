import { isIpv6 } from './checksums.ts'
import { COORDINATES, EMAIL, IMAGE, IPV4, IPV6, MAC, PO_BOX, STREET_ADDRESS, URL } from './identifier-sources.ts'
import type { TextPattern } from './text-pattern.ts'
import { isVocabularyUrl } from './vocabulary-url.ts'
import { between, CAPITALISED, GLUE, STATE, STATE_NAME } from './text-words.ts'

const notVocabulary = (text: string): boolean => !isVocabularyUrl(text)

const CITY = `${CAPITALISED}\\.?(?: ${CAPITALISED}){0,2}`

/** Places in the world and in networks. */
export const PLACE_PATTERNS = {
  email: [
    { class: 'email', needs: 'at', pattern: new RegExp(EMAIL, 'g') },
    // Not only ASCII (RFC 6531).
    {
      class: 'email',
      needs: 'at',
      pattern: /[\p{L}\p{N}._%+'-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,6}/gu,
    },
    {
      class: 'email',
      pattern:
        /\b[a-z0-9._%+-]{1,64} {0,2}(?:\(at\)|\[at\]| at ) {0,2}[a-z0-9-]{1,63}(?: {0,2}(?:\(dot\)|\[dot\]| dot |\.) {0,2}[a-z0-9-]{1,63}){0,3} {0,2}(?:\(dot\)|\[dot\]| dot |\.) {0,2}(?:com|org|net|edu|gov|io|us)\b/gi,
    },
  ],
  url: [
    {
      class: 'url',
      needs: 'colon',
      pattern: new RegExp(URL, 'gi'),
      valid: notVocabulary,
      toBlank: true,
    },
    { class: 'url', needs: 'dot', pattern: /\bwww\.[A-Za-z0-9-]{1,63}\.[A-Za-z]{2,24}/gi, toBlank: true },
    {
      class: 'url',
      needs: 'dot',
      pattern:
        /\b[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,5}\.(?:com|org|net|edu|gov|io|health|info|app|me|us)\/[a-z0-9]/gi,
      valid: notVocabulary,
      toBlank: true,
    },
    {
      class: 'url',
      pattern:
        /(\b(?:facebook|twitter|instagram|linkedin|tiktok|snapchat|skype|handle|username|user name)(?: handle| name| id| account)?(?: is)?[: ]{1,3})@?[A-Za-z0-9_.]{0,29}[0-9_.][A-Za-z0-9_]{1,29}/gi,
    },
    { class: 'url', needs: 'at', pattern: /(^|[\s(])@[A-Za-z0-9_]{3,30}\b/g },
  ],
  ip: [
    { class: 'ip', needs: 'dot', pattern: between(IPV4) },
    {
      class: 'ip',
      needs: 'colon',
      pattern: new RegExp(`(^|[^0-9A-Za-z:.])${IPV6}`, 'g'),
      valid: (text) => text.length > 2 && /[0-9a-f]{2}|::/i.test(text) && isIpv6(text),
    },
  ],
  mac: [
    { class: 'device', needs: 'digit', pattern: between(MAC) },
    { class: 'device', needs: 'dot', pattern: /\b[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\b/g },
  ],
  photo: [{ class: 'photo', pattern: new RegExp(IMAGE, 'g'), toBlank: true }],
  geocode: [
    { class: 'geocode', needs: 'dot', pattern: new RegExp(COORDINATES, 'g') },
    {
      class: 'geocode',
      needs: 'dot',
      pattern: /(\b(?:lat(?:itude)?|lon(?:g(?:itude)?)?|lng)\.?[ :=]{1,3})[-+]?[0-9]{1,3}\.[0-9]{2,16}\b/gi,
    },
    {
      class: 'geocode',
      needs: 'digit',
      pattern:
        /\b[0-9]{1,3}(?:\.[0-9]{1,10})?° ?(?:[0-9]{1,2}(?:\.[0-9]{1,8})?['′] ?)?(?:[0-9]{1,2}(?:\.[0-9]{1,8})?["″] ?)?[NSEW]\b/g,
    },
  ],
  address: [
    { class: 'address', needs: 'digit', pattern: between(STREET_ADDRESS) },
    // What follows the comma is the city.
    { class: 'city', needs: 'digit', pattern: new RegExp(`(\\b(?:${STREET_ADDRESS}), {1,2})${CITY}`, 'gu') },
    // Written in lower or upper case, and numbered streets.
    {
      class: 'address',
      needs: 'digit',
      pattern:
        /\b[0-9]{1,6}[a-z]? {1,2}(?:[nsew]\.? {1,2}|north |south |east |west )?(?:[a-z0-9'.-]{1,30} {1,2}){1,3}(?:st|street|ave|avenue|rd|road|ln|lane|dr|drive|ct|court|blvd|boulevard|way|pl|place|ter|terrace|cir|circle|pkwy|parkway|hwy|highway|trl|trail|sq|square)\b\.?(?:,? {0,2}(?:apt|apartment|suite|ste|unit|floor|fl|rm|room|#)\.? {0,2}#?[a-z0-9-]{1,8})?/gi,
      valid: (text) =>
        !/\b(?:mg|mcg|ml|tab|tabs|cap|caps|days?|weeks?|months?|years?|hours?|hrs?|minutes?|times|of|for|in|to|and|by|with|on|per|patients?|the|at|as|or|from|was|is|than|every)\b/i.test(
          text,
        ),
    },
    { class: 'address', pattern: between(PO_BOX, 'gi') },
    {
      class: 'address',
      needs: 'digit',
      pattern: /(\b(?:apt|apartment|unit|suite|ste|lot|room|rm)\b\.? {0,2}#? {0,2})[0-9]{1,5}[A-Za-z]?\b/gi,
    },
  ],
  city: [
    { class: 'city', pattern: new RegExp(`\\b${CITY}, {0,2}(?:${STATE}|${STATE_NAME})\\b`, 'gu') },
    {
      class: 'city',
      pattern: new RegExp(
        `((?:[Ll]iv(?:es|ed|ing) (?:in|near)|[Rr]esid(?:es|ed|ing|ent) (?:in|of)|[Bb]orn in|[Nn]ative of|[Mm]oved (?:to|from|here from)|[Gg]rew up in|[Hh]ometown(?: is| of|:)?|[Tt]ravell?ed (?:to|from)|[Tt]ransferred from|[Cc]ity(?: of|:)) )${CITY}`,
        'gu',
      ),
    },
    { class: 'address', pattern: new RegExp(`\\b${CITY} (?:County|Parish|Township|Precinct)\\b`, 'gu') },
  ],
  zip: [
    {
      class: 'zip',
      needs: 'digit',
      pattern: new RegExp(`(\\b(?:${STATE}|${STATE_NAME}),?\\s{1,2})[0-9]{5}(?:-[0-9]{4})?\\b`, 'g'),
    },
    {
      class: 'zip',
      needs: 'digit',
      pattern: new RegExp(`(\\b(?:zip(?:[ -]?code)?|postal code)${GLUE})[0-9]{5}(?:-?[0-9]{4})?\\b`, 'gi'),
    },
    { class: 'zip', needs: 'digit', pattern: /\b[0-9]{5}-[0-9]{4}\b/g },
  ],
} as const satisfies Readonly<Record<string, readonly TextPattern[]>>
