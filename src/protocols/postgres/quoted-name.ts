/** A name as a quoted identifier (PostgreSQL documentation, 4.1.1). */
export const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** A text as a plain string (4.1.2.1), where standard_conforming_strings is on. */
export const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`
