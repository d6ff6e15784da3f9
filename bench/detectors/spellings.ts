import type { Subject } from './subject.ts'

/** Writes a piece of a note about somebody. What stands in braces is planted: an identifier, in full. */
export type Spelling = (subject: Subject) => string

export interface Spellings {
  /** What the patterns were written for. */
  readonly known: readonly Spelling[]
  /** Ways that the patterns were not written for. When a pattern comes to be written for one, it moves up and another takes its place. */
  readonly heldOut: readonly Spelling[]
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')
const two = (n: number): string => String(n).padStart(2, '0')
const month = ({ date }: Subject): string => MONTHS[date.month - 1] ?? ''
const digits = (text: string): string => text.replaceAll(/\D/g, '')
const spaced = (text: string): string => digits(text).replaceAll(/(...)(...)(....)/g, '$1 $2 $3')

/** By identifier, in the order of the Safe Harbor list (45 CFR 164.514(b)(2)(i)). */
export const SPELLINGS = {
  name: {
    known: [
      (s) => `Mr. {${s.lastName}} was seen today.`,
      (s) => `Spoke with daughter {${s.firstName} ${s.lastName}} about the plan.`,
      (s) => `Patient: {${s.lastName}, ${s.firstName}}.`,
      (s) => `Seen by Dr. {${s.otherName}} in clinic.`,
      (s) => `Electronically signed by {${s.otherName}}, MD.`,
      (s) => `Emergency contact: {${s.firstName} ${s.otherName}}.`,
      (s) => `Pt {${s.firstName} ${s.lastName}} tolerated the procedure well.`,
    ],
    heldOut: [
      (s) => `{${s.lastName}} was discharged in good condition.`,
      (s) => `Family meeting held; {${s.firstName}} understands and agrees.`,
      (s) => `Message left for {${s.firstName.charAt(0)}. ${s.lastName}} to return.`,
      (s) => `Ride home will be provided by {${s.firstName.toLowerCase()} ${s.otherName.toLowerCase()}} at noon.`,
      (s) => `RN {${s.otherName.toUpperCase()}} notified of critical value.`,
      (s) => `We reviewed {${s.lastName}}'s films with radiology.`,
      (s) => `Thank you for sending {${s.firstName} ${s.lastName}} to our practice.`,
    ],
  },
  address: {
    known: [
      (s) => `Lives at {${s.street}} with family.`,
      (s) => `Mail to {PO Box ${s.number(3)}}.`,
      (s) => `Home is {${s.number(4)} N ${s.streetName} Avenue Apt ${s.number(2)}}.`,
    ],
    heldOut: [
      (s) => `Found wandering near {${s.streetName} and Main}.`,
      (s) => `Group home on {${s.streetName} Street}, second floor.`,
      (s) => `Moved to {${s.number(3)} ${s.streetName.toLowerCase()} st} last spring.`,
      (s) => `Farm on {Rural Route ${s.number(1)}}.`,
    ],
  },
  city: {
    known: [
      (s) => `Transferred care from {${s.city}}, ${s.state}.`,
      (s) => `Lives in {${s.city}} with spouse.`,
      (s) => `Was born in {${s.city}}.`,
    ],
    heldOut: [
      (s) => `Commutes from {${s.city}} daily.`,
      (s) => `Received vaccines at the {${s.city}} clinic.`,
      (s) => `Drives a bus in {${s.city}}.`,
    ],
  },
  zip: {
    known: [
      (s) => `Address on file ends in ${s.state} {${s.zip}}.`,
      (s) => `ZIP code: {${s.zip}}.`,
      (s) => `Lives in the {${s.zip}} area.`,
    ],
    heldOut: [
      (s) => `Ships to ${s.state}{${s.zip}} only.`,
      (s) => `Lives around {${s.zip.slice(0, 3)} ${s.zip.slice(3)}} since childhood.`,
    ],
  },
  date: {
    known: [
      (s) => `Admitted on {${s.date.year}-${two(s.date.month)}-${two(s.date.day)}}.`,
      (s) => `Last visit {${s.date.month}/${s.date.day}/${s.date.year}}.`,
      (s) => `Surgery {${two(s.date.month)}/${two(s.date.day)}/${two(s.date.year % 100)}} without complications.`,
      (s) => `Labs drawn {${month(s)} ${s.date.day}, ${s.date.year}}.`,
      (s) => `Follow up on {${s.date.month}/${s.date.day}}.`,
      (s) => `DOB {${two(s.date.day)}-${month(s).slice(0, 3)}-${s.date.year}}.`,
    ],
    heldOut: [
      (s) => `Seen {${s.date.month}-${s.date.day}} in urgent care.`,
      (s) => `Next infusion is the {${s.date.day}th} at 9.`,
      (s) => `Stent placed {${month(s).slice(0, 3)} of '${two(s.date.year % 100)}}.`,
      (s) => `Collected {${s.date.year}${two(s.date.month)}${two(s.date.day)}} at bedside.`,
      (s) => `Fell {${two(s.date.month)}.${two(s.date.day)}.${s.date.year}} at home.`,
      (s) => `Chemo cycle 3 started {${s.date.month} / ${s.date.day} / ${two(s.date.year % 100)}}.`,
    ],
  },
  age: {
    known: [
      (s) => `{${s.oldAge}-year-old} with dyspnea.`,
      (s) => `A {${s.oldAge} y/o} resident of assisted living.`,
      (s) => `Patient is aged {${s.oldAge}}.`,
      () => 'A {ninety-three year old} veteran.',
    ],
    heldOut: [
      (s) => `Pleasant {${s.oldAge}} yo lady.`,
      (s) => `Celebrated {${s.oldAge}th birthday} last week.`,
      (s) => `{${s.oldAge}F} with CHF.`,
      (s) => `Mother lived to be {${s.oldAge}}.`,
    ],
  },
  phone: {
    known: [
      (s) => `Call back at {${s.phone}}.`,
      (s) => `Cell {${digits(s.phone).replace(/(...)(...)(....)/, '$1-$2-$3')}}.`,
      (s) => `Phone: {${digits(s.phone).replace(/(...)(...)(....)/, '$1.$2.$3')}}.`,
      (s) => `Reach the pharmacy at {+1 ${spaced(s.phone)}}.`,
      (s) => `Son abroad: {+49 30 ${s.number(7)}}.`,
      (s) => `Home number {${digits(s.phone)}}.`,
    ],
    heldOut: [
      (s) => `Reach sister on {${s.number(3)}-${s.number(4)}} after five.`,
      (s) => `Prefers texts, {${digits(s.phone).slice(0, 3)} ${digits(s.phone).slice(3)}}.`,
      (s) =>
        `Neighbor's line {${digits(s.phone).slice(0, 3)}/${digits(s.phone).slice(3, 6)}-${digits(s.phone).slice(6)}}.`,
      (s) => `UK relative, {0${s.number(2)} ${s.number(4)} ${s.number(4)}}.`,
    ],
  },
  fax: {
    known: [(s) => `Fax: {${s.phone}}.`, (s) => `Records faxed to {${digits(s.phone)}}.`],
    heldOut: [(s) => `Send by facsimile machine, {${spaced(s.phone)}}.`, (s) => `F {${s.phone}}.`],
  },
  email: {
    known: [(s) => `E-mail {${s.email}}.`, (s) => `Portal invite sent to {${s.email.toUpperCase()}}.`],
    heldOut: [
      (s) => `Writes from {${s.email.replace('@', ' at ').replaceAll('.', ' dot ')}}.`,
      (s) => `Contact {${s.email.replace('@', '(at)')}}.`,
    ],
  },
  ssn: {
    known: [
      (s) => `SSN {${s.ssn}}.`,
      (s) => `Social security number is {${digits(s.ssn)}}.`,
      (s) => `Verified {${s.ssn}} on intake.`,
      (s) => `Verified soc {${s.ssn.replaceAll('-', '/')}}.`,
      (s) => `Card reads {${s.ssn.replaceAll('-', ' - ')}}.`,
    ],
    heldOut: [
      (s) => `Identity confirmed, ends {${s.ssn.slice(-4)}}.`,
      (s) => `Gave {${digits(s.ssn).slice(0, 5)} ${digits(s.ssn).slice(5)}} at the desk.`,
      (s) => `Told us nine digits, {${Array.from(digits(s.ssn)).join(' ')}}.`,
    ],
  },
  mrn: {
    known: [
      (s) => `MRN {${digits(s.mrn)}}.`,
      (s) => `Medical record number: {${s.mrn}}.`,
      (s) => `Chart # {${digits(s.mrn)}} reviewed.`,
      (s) => `Patient ID {${s.letters(2)}-${s.number(6)}}.`,
    ],
    heldOut: [
      (s) => `Merged with duplicate {${digits(s.mrn)}} yesterday.`,
      (s) => `Old folder {${s.letters(1)}${s.number(2)}.${s.number(4)}}.`,
      (s) => `Wristband {${s.number(3)} ${s.number(3)}} scanned.`,
    ],
  },
  'health-plan': {
    known: [
      (s) => `Member ID: {${s.letters(3)}${s.number(9)}}.`,
      (s) => `Medicare number {${s.mbi}}.`,
      (s) => `Policy no. {${s.number(2)}-${s.number(6)}}.`,
    ],
    heldOut: [
      (s) => `Blue Cross {${s.letters(3)} ${s.number(4)} ${s.number(5)}}.`,
      (s) => `Covered under {${s.letters(1)}${s.number(4)}}.`,
    ],
  },
  account: {
    known: [
      (s) => `Visa {${s.card}}.`,
      (s) => `Account number {${s.number(8)}}.`,
      (s) => `Refund to {${s.iban}}.`,
      (s) => `Paid with card ending {${s.number(4)}}.`,
    ],
    heldOut: [
      (s) => `Wired from {${s.number(4)} ${s.number(4)}} at the credit union.`,
      (s) => `Billed to {${s.number(4)}-${s.letters(2)}-${s.number(2)}}.`,
    ],
  },
  license: {
    known: [
      (s) => `NPI {${s.npi}}.`,
      (s) => `DEA {${s.dea}}.`,
      (s) => `Driver's license {${s.letters(1)}${s.number(8)}}.`,
      (s) => `Passport no. {${s.letters(1)}${s.number(7)}}.`,
    ],
    heldOut: [
      (s) => `Provider {${s.npi}} billed.`,
      (s) => `Showed state ID {${s.number(3)}-${s.number(2)}-${s.number(3)}}.`,
      (s) => `Board cert {${s.number(5)}}.`,
    ],
  },
  vehicle: {
    known: [(s) => `VIN {${s.vin}}.`, (s) => `Plate {${s.number(1)}${s.letters(3)}${s.number(3)}}.`],
    heldOut: [
      (s) => `Hit by a car, tags {${s.letters(3)} ${s.number(4)}}.`,
      (s) => `Blue sedan {${s.letters(3)}-${s.number(3)}}.`,
    ],
  },
  device: {
    known: [
      (s) => `Pacemaker serial number {${s.letters(3)}${s.number(6)}}.`,
      (s) => `UDI {(01)${s.number(14)}(21)${s.number(6)}}.`,
      (s) => `Pump MAC {${s.mac}}.`,
    ],
    heldOut: [
      (s) => `Valve {${s.letters(2)}${s.number(4)}${s.letters(1)}} implanted.`,
      (s) => `Hearing aid no {${s.number(5)}${s.letters(2)}} replaced.`,
    ],
  },
  url: {
    known: [
      (s) => `See {https://portal.example.org/u/${s.number(5)}}.`,
      (s) => `Blog at {www.${s.lastNameAscii}-family.example.com}.`,
    ],
    heldOut: [
      (s) => `Posts as {@${s.lastNameAscii}${s.number(2)}}.`,
      (s) => `Profile {${s.lastNameAscii}.example.net} was shown.`,
    ],
  },
  ip: {
    known: [(s) => `Logged in from {${s.ip}}.`, () => 'Telehealth host {2001:db8:85a3::8a2e:370:7334}.'],
    heldOut: [
      (s) => `Session from {${s.ip.replaceAll('.', '-')}}.`,
      (s) => `Device at {${s.ip.replaceAll('.', '[.]')}}.`,
    ],
  },
  'other-id': {
    known: [
      (s) => `Encounter {${s.number(9)}}.`,
      (s) => `Accession {${s.letters(1)}${s.number(2)}-${s.number(5)}}.`,
      (s) => `Study ID {${s.letters(3)}-${s.number(4)}}.`,
    ],
    heldOut: [
      (s) => `Slide {${s.letters(1)}${s.number(2)}:${s.number(4)}} reviewed.`,
      (s) => `Enrolled as {${s.letters(2)}${s.number(3)}}.`,
    ],
  },
  geocode: {
    known: [
      (s) => `Picked up at {${s.latitude}, ${s.longitude}}.`,
      (s) => `Coordinates lat {${s.latitude}} long {${s.longitude}}.`,
    ],
    heldOut: [(s) => `Pin dropped {${s.latitude}N ${s.longitude.slice(1)}W}.`],
  },
} as const satisfies Readonly<Record<string, Spellings>>

export type Identifier = keyof typeof SPELLINGS
