/** Names of UTF-8 once they are cleaned; `unicode` is its old one (PostgreSQL, src/common/encnames.c). */
const UTF8_NAMES: ReadonlySet<string> = new Set(['utf8', 'unicode'])

/**
 * Whether PostgreSQL takes this name of an encoding for UTF-8. It looks at letters and digits only, without regard to their
 * case (clean_encoding_name), and reports one of several spellings back.
 */
export const isUtf8Name = (name: string): boolean => UTF8_NAMES.has(name.replaceAll(/[^A-Za-z0-9]/g, '').toLowerCase())
