/**
 * HL7 value set PurposeOfUse (2.16.840.1.113883.1.11.20448) of code system v3-ActReason, as published in HL7 Terminology:
 * why health information is used. The abstract heads are left out.
 */
const PURPOSES_OF_USE: ReadonlySet<string> = new Set(
  [
    // Healthcare marketing, healthcare operations and what belongs to them
    'HMARKT HOPERAT CAREMGT DONAT FRAUD GOV HACCRED HCOMPL HDECD HDIRECT HDM HLEGAL HOUTCOMS HPRGRP HQUALIMP HSYSADMIN',
    'LABELING METAMGT MEMADMIN MILCDM PATADMIN PATSFTY PERFMSR RECORDMGT SYSDEV HTEST TRAIN',
    // Payment
    'HPAYMT CLMATTCH COVAUTH COVERAGE ELIGDTRM ELIGVER ENROLLM MILDCRG REMITADV',
    // Research
    'HRESCH BIORCH CLINTRCH CLINTRCHNPC CLINTRCHPC PRECLINTRCH DSRCH POARCH TRANSRCH',
    // On request of the patient or those around
    'PATRQT FAMRQT PWATRNY SUPNWK',
    // Public health
    'PUBHLTH DISASTER THREAT',
    // Treatment; BTG: break the glass
    'TREAT CLINTRL COC ETREAT BTG ERTREAT POPHLTH',
  ].flatMap((line) => line.split(' ')),
)

/** Codes are compared as they are: there is no other spelling. */
export const isPurposeOfUse = (code: string): boolean => PURPOSES_OF_USE.has(code)
