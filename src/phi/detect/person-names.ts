/**
 * Frequent names of persons in the United States (Census 1990 and 2010 name files, Social Security Administration baby
 * names; public domain), without those that are ordinary words, colours, months, cities or states: a column of persons has many of these,
 * a column of anything else has hardly any.
 */
const GIVEN_NAMES = `james john robert michael william david richard joseph thomas charles daniel matthew anthony donald
steven andrew kenneth joshua kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric jonathan
stephen larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry tyler aaron jose
henry adam douglas nathan peter zachary kyle walter harold jeremy ethan carl keith roger gerald lawrence sean albert jesse
willie ralph roy eugene randy philip harry vincent bobby johnny mary patricia jennifer linda elizabeth barbara susan jessica
sarah karen nancy lisa betty margaret sandra ashley kimberly emily donna michelle carol amanda dorothy melissa deborah
stephanie rebecca sharon laura cynthia kathleen amy angela shirley anna brenda pamela emma nicole helen samantha katherine
christine debra rachel carolyn janet catherine maria heather diane julie joyce olivia kelly christina joan evelyn lauren
judith megan cheryl andrea hannah martha jacqueline frances gloria ann teresa kathryn sara janice jean alice madison doris
abigail julia judy grace denise amber marilyn beverly danielle theresa sophia marie diana brittany natalie isabella charlotte
ana luis carlos juan jorge miguel pedro jesus manuel ricardo fernando elena lucia carmen rosa ines noah liam lucas mateo mia
amelia ava harper ahmed mohammed muhammad ali fatima omar hassan yusuf aisha wei ming hiroshi yuki priya raj arjun anil ravi
sanjay olga ivan natasha dmitri katarzyna agnieszka hans jurgen klaus francois jacques pierre chantal siobhan sean aoife liam`
const FAMILY_NAMES = `smith johnson williams jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson
anderson thomas taylor moore martin perez thompson harris sanchez clark ramirez lewis robinson walker allen wright
torres nguyen flores adams nelson baker rivera campbell mitchell carter roberts gomez phillips evans turner diaz edwards
collins reyes stewart morris morales murphy rogers gutierrez ortiz cooper peterson bailey reed howard ramos kim richardson
watson brooks chavez bennett mendoza ruiz hughes alvarez castillo sanders patel myers foster jimenez obrien sullivan
kowalski muller schmidt schneider fischer weber wagner becker hoffmann ivanov petrov nakamura tanaka suzuki yamamoto wang
zhang chen yang huang singh kumar sharma gupta khan hussain cohen levy goldberg friedman larsen hansen nielsen johansson
silva santos oliveira souza pereira costa ferreira rossi russo ferrari esposito bianchi dubois moreau laurent lefebvre`

/** Lower case, without accents and apostrophes. */
export const PERSON_NAMES: ReadonlySet<string> = new Set(`${GIVEN_NAMES} ${FAMILY_NAMES}`.split(/\s+/))
