const VOCABULARY =
  /^(?:https?:\/\/)?(?:www\.)?(?:hl7\.org|terminology\.hl7\.org|loinc\.org|snomed\.info|unitsofmeasure\.org|nlm\.nih\.gov)(?:\/|$)/

/** Whether a web address is vocabulary and nobody's own: FHIR and its code systems. */
export const isVocabularyUrl = (text: string): boolean => VOCABULARY.test(text)
