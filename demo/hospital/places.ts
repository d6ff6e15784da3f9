/**
 * Where the patients live: real cities with their leading ZIP digits and telephone area code, weighted for variety and not
 * by population. A few lie in areas whose three digits Safe Harbor withholds because fewer than 20,000 people live there.
 */
export interface Place {
  readonly city: string
  readonly state: string
  readonly zip3: string
  readonly areaCode: string
  readonly weight: number
}

/** city, state, first three ZIP digits, area code, weight. */
const TABLE: readonly (readonly [string, string, string, string, number])[] = [
  ['Boston', 'MA', '021', '617', 14],
  ['Worcester', 'MA', '016', '508', 6],
  ['Springfield', 'MA', '011', '413', 5],
  ['Providence', 'RI', '029', '401', 5],
  ['Hartford', 'CT', '061', '860', 5],
  ['Bellows Falls', 'VT', '051', '802', 1],
  ['Guildhall', 'VT', '059', '802', 1],
  ['Walpole', 'NH', '036', '603', 1],
  ['Portland', 'ME', '041', '207', 4],
  ['Bronx', 'NY', '104', '718', 10],
  ['Brooklyn', 'NY', '112', '718', 12],
  ['Buffalo', 'NY', '142', '716', 5],
  ['Newark', 'NJ', '071', '973', 5],
  ['Philadelphia', 'PA', '191', '215', 9],
  ['Pittsburgh', 'PA', '152', '412', 5],
  ['Baltimore', 'MD', '212', '410', 5],
  ['Richmond', 'VA', '232', '804', 4],
  ['Charlotte', 'NC', '282', '704', 5],
  ['Atlanta', 'GA', '303', '404', 7],
  ['Miami', 'FL', '331', '305', 8],
  ['Tampa', 'FL', '336', '813', 5],
  ['Birmingham', 'AL', '352', '205', 4],
  ['Nashville', 'TN', '372', '615', 4],
  ['Louisville', 'KY', '402', '502', 4],
  ['Columbus', 'OH', '432', '614', 5],
  ['Cleveland', 'OH', '441', '216', 5],
  ['Indianapolis', 'IN', '462', '317', 4],
  ['Detroit', 'MI', '482', '313', 6],
  ['Milwaukee', 'WI', '532', '414', 4],
  ['Minneapolis', 'MN', '554', '612', 5],
  ['Angle Inlet', 'MN', '567', '218', 1],
  ['Fargo', 'ND', '581', '701', 2],
  ['Chicago', 'IL', '606', '312', 11],
  ['St. Louis', 'MO', '631', '314', 4],
  ['Omaha', 'NE', '681', '402', 3],
  ['Valentine', 'NE', '692', '402', 1],
  ['New Orleans', 'LA', '701', '504', 4],
  ['Houston', 'TX', '770', '713', 9],
  ['San Antonio', 'TX', '782', '210', 6],
  ['El Paso', 'TX', '799', '915', 4],
  ['Denver', 'CO', '802', '303', 5],
  ['Jackson', 'WY', '830', '307', 1],
  ['Salt Lake City', 'UT', '841', '801', 4],
  ['Phoenix', 'AZ', '850', '602', 6],
  ['Socorro', 'NM', '878', '575', 1],
  ['Albuquerque', 'NM', '871', '505', 4],
  ['Las Vegas', 'NV', '891', '702', 5],
  ['Ely', 'NV', '893', '775', 1],
  ['Los Angeles', 'CA', '900', '213', 12],
  ['Fresno', 'CA', '937', '559', 4],
  ['Oakland', 'CA', '946', '510', 5],
  ['Honolulu', 'HI', '968', '808', 3],
  ['Portland', 'OR', '972', '503', 4],
  ['Seattle', 'WA', '981', '206', 6],
  ['Anchorage', 'AK', '995', '907', 2],
]

export const PLACES: readonly Place[] = TABLE.map(([city, state, zip3, areaCode, weight]) => ({
  city,
  state,
  zip3,
  areaCode,
  weight,
}))

export const STREETS: readonly string[] = `
  Alder Bay Birch Bridge Canal Cedar Chestnut Church Clover Cypress Depot Dogwood Elm Fern Forest Garden Grove Harbor
  Hawthorne Hickory High Hillside Jefferson Juniper Lake Laurel Liberty Lincoln Linden Locust Magnolia Maple Market
  Meadow Mill Mulberry Oak Orchard Park Pearl Pine Pleasant Poplar Prospect River School Spring Spruce Summit
  Sycamore Union Valley Walnut Washington Willow Winter
`
  .trim()
  .split(/\s+/)

export const STREET_KINDS: readonly string[] = ['St', 'Ave', 'Rd', 'Ln', 'Dr', 'Ct', 'Blvd', 'Way']
