const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Words that begin with a capital letter in notes and are no part of a name. Lower case. */
const NO_NAMES = words(`
  a about admission admits after alert all allergies also an and any appears arrived as assessment at back been before bilateral blood
  but by call called can care cc chart chief chronic clinic complains continue continued contact could daily date days denied denies
  diagnosis did discharge discussed does dob during ed education emergency er evaluation exam examination family father follow for
  from had has have he health her here his history home hospital icu id if in information instructions is it last left lives make
  may med medical medication medications monitor mother mrn name new next no none normal not note noted notes nurse of office on or
  oriented our out pain past patient patients per phone physical physician plan please portal post prescribed presented presents
  primary problem procedure provider pt record records referral refill reported reports results return returned review reviewed right
  room said sat says seen service she should since social specialist states status stable still surgery surgical team tel telephone
  test tests that the their then there these they this to today tolerated transferred treatment unable unit unknown until upon
  verbalized verbalizes visit was we weight well were who will with without would year years yesterday you your
  monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october
  november december mr mrs ms miss dr prof rev md rn np pa do address city street email fax ssn age sex gender male female`)

const SHORTEST_CAPITALS = 4

/** Whether a capitalised word can be that of a name: not an ordinary word, nor an abbreviation in capitals. */
export function isNameWord(word: string): boolean {
  const isAbbreviation = word.length < SHORTEST_CAPITALS && word === word.toUpperCase()
  return word.length > 1 && !isAbbreviation && !NO_NAMES.has(word.toLowerCase())
}
