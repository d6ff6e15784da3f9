const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Diseases, signs, devices, drugs and nationalities: capitalised for themselves, and about nobody. */
const CALLED = `
  achilles addison advair advil alzheimer ambien apgar augmentin babinski baker barrett bell benadryl bence botox braden broca brudzinski
  celiac chagas cheyne child-pugh chvostek coombs coumadin covid covid-19 crohn cushing doppler down dupuytren eliquis epipen escherichia ewing
  flagyl foley fowler framingham glasgow gleason gram graves guillain guillain-barre hashimoto heimlich henoch hickman hodgkin holter homans horner
  humalog humira huntington jackson-pratt kaposi keflex kernig klonopin kussmaul lachman lantus lasix legionella levaquin lipitor lovenox lyme
  lyrica mallory mantoux marfan mcburney meniere miralax moderna motrin munchausen narcan neurontin neosporin nexium norco novolog ozempic pap
  parkinson paxil paxlovid pepcid percocet pfizer phalen plavix prevnar prilosec prozac quantiferon ranson raynaud rinne roux romberg rorschach
  rovsing salmonella shingrix sjogren snellen spurling staphylococcus stevens streptococcus synthroid tdap tinel tourette toradol trendelenburg
  trousseau tylenol valium valsalva ventolin vicodin weber wegener wernicke xanax xarelto zithromax zofran zoloft zyrtec
  african american arabic asian caucasian chinese english european french german hispanic italian japanese korean latino medicaid medicare mexican
  portuguese russian spanish vietnamese internet`

/** What headings, departments and examinations are called. */
const HEADINGS = `
  abdomen abdominal abuse activity activities acute addendum administration adult advance agency airway allergy allied ambulatory anatomy anesthesia ankle
  annual antibody appendix arm arterial artery associates bed behavior behavioral birth bladder bone bowel brain breast brief building burn calcium
  cardiac cardiology cardiothoracic cardiovascular case center cervical chemotherapy chest child children cholesterol clinical colon colonoscopy
  committee communication community comprehensive condition conditions congenital consent consult consultation consultations coronary coverage
  critical culture current daily day dental department dermatology development developmental device diabetes diabetic diagnostic dialysis diet dietary
  directive directives disability disease diseases disorder dose drug drugs ear echo echocardiogram electrocardiogram endocrine endocrinology
  endoscopy environmental episode exercise extremities eye eyes facility fall falls finding findings first fluid follow-up foot function functional
  gastroenterology gastrointestinal general genetics geriatric geriatrics gynecology hand head health healthcare hearing heart hematology hepatic
  hip hospice hospitalist hygiene illness imaging immunization immunizations immunology impression infection infectious inpatient instruction insulin
  insurance intake intensive internal interval interventional intravenous invasive joint kidney knee lab laboratory labor leg lesion level liver
  living lower lumbar lung lungs management maternal medicine mental metabolic mini-mental mood motor mouth muscle musculoskeletal neck neonatal
  nephrology neuro neurologic neurological neurology neurosurgery newborn nose number nursing nutrition observation obstetrics occupational oncology
  operative ophthalmology oral order orders orthopedic orthopedics otolaryngology outpatient oxygen palliative panel pathology pediatric pediatrics
  pelvic pelvis peripheral pharmacy physiology plans plastic podiatry policy position precautions pregnancy prenatal preoperative presenting prevention preventive
  primary procedures prognosis program progress protein psych psychiatric psychiatry psychology pulmonary pulse questionnaire radiation radiology
  range rate reaction reason recommendation recommendations recovery rectal rehab rehabilitation renal request respiratory response rheumatology
  risk safety scale scan school score screen screening second section service services shift shoulder sign signs skilled skin sleep smoking source
  spinal spine stage standard state stool stress stroke subjective objective substance summary support surgeon swallow symptom symptoms syndrome system systems
  systemic third thoracic throat thyroid time tissue tobacco transfusion transplant trauma treatments trial tumor type ultrasound unit upper urgent
  urinalysis urinary urine urology vaccine vaccines valve vascular vein venous vital vitals vitamin waist ward weekly wellness women wound wrist x-ray x-rays`

const WORDS = words(`${CALLED} ${HEADINGS}`)

/** Whether a capitalised word that does not begin a sentence is one that is capitalised for itself, and not for a name. */
export function isClinicalWord(word: string): boolean {
  const lower = word.toLowerCase().replace(/'s$/, '')
  return WORDS.has(lower) || (lower.endsWith('s') && WORDS.has(lower.slice(0, -1)))
}
