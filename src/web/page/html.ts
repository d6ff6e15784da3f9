/** Markup that is safe to send. Only `html` makes it, so that no text reaches a page without being escaped. */
export class Html {
  readonly #markup: string

  private constructor(markup: string) {
    this.#markup = markup
  }

  toString(): string {
    return this.#markup
  }

  /** For `html` alone. */
  static ofTemplate(parts: readonly string[], values: readonly Fragment[]): Html {
    const filled = parts.map((part, index) => part + (index < values.length ? markupOf(values[index]) : ''))
    return new Html(filled.join(''))
  }
}

/** What may stand in a template: text is escaped, lists are joined, and what is undefined or false is left out. */
export type Fragment = Html | string | number | undefined | false | readonly Fragment[]

/** A template: html`<b title="${name}">${name}</b>`. Attribute values have to stand in double quotes. */
export const html = (parts: TemplateStringsArray, ...values: readonly Fragment[]): Html =>
  Html.ofTemplate(parts, values)

function markupOf(value: Fragment): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.toString()
  if (typeof value === 'object') return value.map(markupOf).join('')
  return escaped(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

/**
 * Controls and the characters that turn the direction of text are shown as U+FFFD: a statement must not look like another one
 * ("Trojan Source", CVE-2021-42574). Tabs and line ends stay.
 */
const escaped = (text: string): string =>
  text
    .replaceAll(/[^\P{Cc}\t\n]|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu, '\ufffd')
    .replaceAll(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
