/**
 * How identifiers are written, as sources of regular expressions without anchors: what discovery compares whole values with
 * and what the detectors look for in text. Linear: nothing repeated without a bound, no look-around, no back-reference.
 */

export const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
export const DAY = '(?:0?[1-9]|[12][0-9]|3[01])'
export const YEAR = '(?:18|19|20)[0-9]{2}'
/** USPS Publication 28, appendix C1, the suffixes that occur, with others that Synthea prints. */
const STREET_SUFFIX =
  'Aly|Alley|Annex|Arcade|Ave|Avenue|Bay|Bend|Blvd|Boulevard|Branch|Bridge|Brook|Burg|Bypass|Byway|Camp|Canyon|Cape|Causeway|Center|Cir|Circle|Cliff|Close|Club|Common|Corner|Course|Court|Ct|Cove|Creek|Crescent|Crest|Crossing|Crossroad|Curve|Dale|Dam|Divide|Dr|Drive|Esplanade|Estate|Expressway|Extension|Fall|Ferry|Field|Flat|Ford|Forest|Forge|Fork|Fort|Freeway|Frontage [Rr]oad|Garden|Gate|Gateway|Glen|Green|Grove|Harbor|Haven|Heights|Highway|Hwy|Hill|Hollow|Inlet|Island|Isle|Junction|Key|Knoll|Lake|Land|Landing|Ln|Lane|Light|Loaf|Lock|Lodge|Loop|Mall|Manor|Meadow|Mews|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Parade|Park|Parkway|Pkwy|Pass|Passage|Path|Pathway|Pike|Pine|Pl|Place|Plain|Plaza|Point|Port|Prairie|Promenade|Quay|Radial|Ramp|Ranch|Rapid|Rd|Road|Rest|Ridge|Rise|River|Route|Row|Rue|Run|Shoal|Shore|Skyway|Spring|Spur|Sq|Square|Station|Stravenue|Stream|St|Street|Summit|Ter|Terrace|Throughway|Trace|Track|Trafficway|Trail|Trailer|Tunnel|Turnpike|Underpass|Union|Vale|Valley|Via|Viaduct|View|Village|Ville|Vista|Walk|Wall|Way|Well|Wynd'

export const EMAIL = "[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63}){0,6}\\.[A-Za-z]{2,24}"
export const URL = '(?:https?|ftp|s3|file)://[^\\s<>"\']{1,2000}'
export const SSN = '[0-9]{3}[- .][0-9]{2}[- .][0-9]{4}'
export const PHONE =
  '(?:\\+?1[ .-]?)?(?:\\([0-9]{3}\\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}(?: {0,2}(?:x|ext\\.?) {0,2}[0-9]{1,6})?|\\+[1-9][0-9]{7,14}|555-01[0-9]{2}'
export const MBI =
  '[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}'
export const CARD = '(?:[0-9][ -]?){12,18}[0-9]'
export const IBAN = '[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?'
export const NPI = '[12][0-9]{9}'
export const DEA = '[A-HJ-NPRSTUXa-hj-nprstux][A-Za-z9][0-9]{7}'
export const VIN = '[A-HJ-NPR-Z0-9]{17}'
export const UDI = '\\(01\\)[0-9]{14}(?:\\([0-9]{2,3}\\)[A-Za-z0-9-]{1,20}){0,6}'
export const MAC = '(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}'
export const IPV4 =
  '(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:/[0-9]{1,2})?'
export const IPV6 = '[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}'
export const ISO_DATE = `${YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{0,2})?)?`
export const US_DATE = `${DAY}[/.-]${DAY}[/.-](?:${YEAR}|[0-9]{2})`
export const TEXT_DATE = `${MONTH}\\.? {1,2}${DAY}(?:st|nd|rd|th)?(?:,? {1,2}${YEAR})?|${DAY}(?:st|nd|rd|th)?[ -]${MONTH}\\.?[ -](?:${YEAR}|[0-9]{2})`
export const STREET_ADDRESS = `[0-9]{1,6} {1,2}(?:[NSEW]\\.? {1,2})?(?:[A-Z][A-Za-z'.-]{0,30} {1,2}){1,4}(?:${STREET_SUFFIX})s?\\.?(?: {1,2}(?:Apt|Suite|Ste|Unit|#) {0,2}[A-Za-z0-9]{1,8})?`
export const PO_BOX = 'P\\.? ?O\\.? {1,2}Box {1,2}[0-9]{1,8}'
export const COORDINATES = '\\(?[-+]?[0-9]{1,3}\\.[0-9]{4,16} {0,2}, {0,2}[-+]?[0-9]{1,3}\\.[0-9]{4,16}\\)?'
export const IMAGE = '(?:data:image/[a-z+.-]{1,20};base64,|/9j/4|iVBORw0KGgo)[A-Za-z0-9+/=\\s]{0,8000}'
export const CREDENTIAL =
  'eyJ[A-Za-z0-9_-]{10,500}\\.[A-Za-z0-9_-]{10,2000}\\.[A-Za-z0-9_-]{5,700}|ghp_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}'
export const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'
export const DICOM_UID = '[0-2](?:\\.(?:0|[1-9][0-9]{0,38})){6,30}'
