const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/**
 * Names that are ordinary words as well, in lower case. They are not looked for by themselves: that "Young" at the beginning of a
 * sentence is missing beside one patient, and is there beside others, would tell the patient's name.
 */
export const ORDINARY_NAMES: ReadonlySet<string> = words(`
  angel april art august autumn baker ball banks bear beard bell berry best bill bird bishop black bland bliss block
  blood bloom blue blunt bolt bond bone booth bound bow bowl box boy brace brand brave bread breeze brick bridge
  bright broad brook brown buck buckle bull bunch burns bush butler camp cane cannon card care carpenter cart case
  cash cast cave chain chambers chance chapel charity chase child childs chips christian church clamp clay clear cliff
  clock close cloud coach coats coffee coin cold cole colt comfort cook cord cork corn cotton court cow craft crane
  cross crow crown cruise crystal cuff cure curl current daily daisy dale dark darling dash dates dawn day deal dean
  dear dial diamond don dose downs drain drake drew driver drum dry duck duke dull dust dyer early east easter edge
  else england english eve ever every fair faith farm farmer fast favor feather fellows fever few field fields fill
  final finch fine fines fish fisher flag flesh flint flood flow flowers fly fog folk foot ford forest form foster
  fountain fox frank free freeman french friend frost fry fuller funk gage gain gale games gates gay gene gentry gift
  gill ginger given glad glass glover goal gold good goose grace grain grand grant grass grave graves gray great green
  grey grief grim groom ground grow guest guide hair half hall halls ham hammer hand hands happy hard harden hardy
  hare harm harmony hart harvest haste hatch hazard head hearing heart heath held help herd high hill hobby hold
  holder holiday holland holly home honey hood hook hooks hope horn hospital host hour house huff human humble humor
  hunt hunter hurt hush ice ideal inch inlet instant iris iron ivory ivy jacks jade jasmine jaw jewel jobs joiner
  jolly joy judge jump june keen keep key kind kindly king kiss knee knife knight knock know known lace lacks ladder
  lake lamb lamps lance land lane last law laws lay leach lead leader leaf lean leaves ledger left legs lemon less
  level life light lily limb lime line linen lines link lions list little lively load lock locks lodge loft lone long
  looks lord loss lot loud love low lower lucky lull lump lung maid main major male man manners mark marker marks
  marrow marsh mask mason master may maze meal means meat medal mend mercer mercy merry metal mild miles milk miller
  mills mind minor mint mist moat mold mole monday money monk month mood moody moon moor moral more morning morrow
  moss most mount mouse mouth muscle music nail nature near neat neck need nerve nest never new news nice nickel night
  nine noble noon north note nurse oak oats odd off older olive only open orange order organ outlaw over pack page
  pail pain painter pair pale palm pan paper pardon parish park parker parts pass pat patch path patience peach peak
  pear pearl peck peel penny peoples pepper perry pick piece pike pin pink pipe pitcher pitt place plain plank plant
  player pleasant plumb pole pond pool poole poor pope popular post potter pound power powers present price pride
  priest prince print prior proud prudence pull purple quarter queen queens quick quill rabbit race rack rail rain
  rainey rains ramp rank rash rate raw ray read ready real red reed reef regular rest rice rich rider ridge right
  rights ring risk rites rivers roach roads rob robin rock roller roof room root roots rope rose rough round rounds
  row ruby ruff rule rush rust rye sack sage sails salmon salt sample sand sands saucer savage scales scarlet score
  seal seals season seat second see seed self sell sells senior service setter seven shade shank shape share sharp
  shaver sheets shelf shells shelter shepherd shield shine shock shook shore short shot shoulder sides sign signs silk
  sills silver simple singer six skill skinner sky slack slate slaughter sleep slide sling slow slump small smart
  smoke smoker smooth snow soap sober sole solid son sore soul sound south spain spear speed spell spike spine splint
  sprain spray spring sprout squires stack staff stage stair stand staples star stark starling start state stay steady
  steed steel step stern steward stiff still stock stone stones story stout strain strange street stress stroke strong
  sue sugar sullen sum summer summers sunny supper surges swallow swan swear sweat sweet swell swift swing sword tack
  tall tank tanner tar tart taylor teal tear teeth temple tender terry test thick thigh thin thorn thrower thumb tide
  tilt timber times tired toe tongue tooth tower towns trace tract trail train treat trees tremor trial trim trip
  trouble true trump trusty tub tuck tucker tune turner twin twine two upright urban usher vain vale valentine vein
  venus vest vine violet vise void wade wages wait wake walk walker wall walls waltz wander ward ware warm wash waste
  watch water waters wave wax way weak wealth wear weary weather weaver weed weeks weight well wells west whale wheel
  wheeler whisker white whiting whole wick wide wild wilder will willing wilt wind window wine wing winner winter wire
  wise wiser wish wolf wonder wood woods wool words work workman world worm worth worthy wound wren wrist yard yeast
  yellow yes yield young younger zeal`)

/** What stands in columns of names and is none, and what would mask every other sentence. Lower case. */
export const STOP_WORDS: ReadonlySet<string> = words(`
  the and for not none null nil unknown unnamed anonymous test patient male female baby boy girl infant twin mother father doe deceased new
  var von van der den del las los jun sen esq mrs miss phd dds rnp pac pharmd`)
