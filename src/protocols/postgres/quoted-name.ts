/** A name as a quoted identifier (PostgreSQL documentation, 4.1.1). */
export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`
