/** What is in every file of `schemas/`. */
export const KEY = Buffer.alloc(32, 7)
export const SCOPE = { group: 'agents', purpose: 'treatment', target: 'hospital' } as const
export const ANN = { token: 'tok_e95002yh8n68z4wjw9', value: 'Ann Sample' } as const
