import { type Random, seededRandom } from '../../demo/hospital/random.ts'
import { type Identifier, SPELLINGS } from './spellings.ts'
import { makeSubject, type Subject } from './subject.ts'

export interface Planted {
  readonly start: number
  readonly end: number
  readonly identifier: Identifier
  /** Spelled in a way that no pattern was written for. */
  readonly heldOut: boolean
}

export interface Note {
  readonly text: string
  readonly planted: readonly Planted[]
  readonly subject: Subject
}

/** Sentences without anybody in them, full of what looks like identifiers: figures, codes, diseases named after people. */
const CLINICAL: readonly string[] = [
  'BP 128/74, HR 72, RR 16, T 98.6 F, SpO2 97% on room air.',
  'Hemoglobin 13.2 g/dL, WBC 7.1 x10^9/L, platelets 250,000.',
  'Metformin 500-1000 mg twice daily with meals.',
  'A1c 7.2% (4.0-5.6), LDL 103 mg/dL, creatinine 1.04.',
  'Denies fever, chills, nausea or vomiting.',
  'Wilson disease was ruled out; ceruloplasmin normal.',
  'Murphy sign negative. Foley catheter removed.',
  'Baker cyst behind the left knee, 3 x 2 cm.',
  'Hodgkin lymphoma in remission since 2019.',
  'ICD-10 E11.9, I10, Z79.4. CPT 99213.',
  'Lisinopril 20 mg tablet, take 1 by mouth daily, 90 tablets, 3 refills.',
  'Symptoms for 10 days, worse over the last 48 hours.',
  'Follow up in 6 weeks or sooner if symptoms worsen.',
  'Strength 5/5 in all extremities, reflexes 2+.',
  'Glasgow Coma Scale 15. Apgar 8 and 9.',
  'Insulin glargine 24 units at bedtime; sliding scale per protocol.',
  'Ejection fraction 55-60% on echo, mild mitral regurgitation.',
  'Chest X-ray shows no acute process.',
  'The patient is alert, oriented x3, and in no distress.',
  'Smokes half a pack a day for 20 years; drinks socially.',
  'Vitamin D 2000 IU daily, calcium 1200 mg.',
  'May resume normal activity as tolerated; will call with results.',
  'Weight 82.5 kg, height 175 cm, BMI 26.9.',
  'Type 2 diabetes diagnosed in 2012, well controlled.',
  'Discussed risks, benefits and alternatives; questions answered.',
  'Room air saturation 95%, peak flow 420 L/min.',
  'A 64-year-old with stable angina.',
  'Started on Jardiance and Entresto; stop Norvasc.',
  'History of Present Illness: as above. Review of Systems: otherwise negative.',
  'CT Abdomen and Pelvis with contrast is unremarkable.',
  'NORMAL SINUS RHYTHM, NO ST CHANGES.',
  'Referred to Physical Therapy and to the Wound Care Center.',
  'Mini-Mental State Examination 28/30, PHQ-9 score 4.',
  'Continue with Zio patch; next Holter only if needed.',
  'Transfused 2 units of packed cells, 10000 units of heparin given.',
  'Gram stain negative, culture grew 100,000 CFU/mL E. coli.',
]

const IDENTIFIERS = Object.keys(SPELLINGS).filter((name): name is Identifier => name in SPELLINGS)

/** Notes with identifiers planted in them, the same for the same seed. */
export function makeCorpus(seed: number, notes: number): readonly Note[] {
  const random = seededRandom(seed)
  return Array.from({ length: notes }, (_, index) => makeNote(random, index))
}

function makeNote(random: Random, index: number): Note {
  const subject = makeSubject(random, index)
  const planted: Planted[] = []
  let text = ''
  const sentences = random.between(6, 14)
  for (let i = 0; i < sentences; i += 1) {
    if (i > 0) text += random.chance(0.15) ? '\n' : ' '
    if (random.chance(0.45)) text += plant(random, subject, text.length, planted)
    else text += random.pick(CLINICAL)
  }
  return { text, planted, subject }
}

function plant(random: Random, subject: Subject, offset: number, planted: Planted[]): string {
  const identifier = random.pick(IDENTIFIERS)
  const { known, heldOut } = SPELLINGS[identifier]
  const isHeldOut = random.chance(0.5)
  const marked = random.pick<(of: Subject) => string>(isHeldOut ? heldOut : known)(subject)
  let plain = ''
  let start = -1
  for (const sign of marked) {
    if (sign === '{') start = offset + plain.length
    else if (sign === '}') planted.push({ start, end: offset + plain.length, identifier, heldOut: isHeldOut })
    else plain += sign
  }
  return plain
}
