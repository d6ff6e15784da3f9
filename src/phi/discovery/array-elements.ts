/**
 * The elements of an array or the fields of a row in PostgreSQL's text form (documentation, 8.15.2 and 8.16.2), nested ones
 * flattened. For looking at, not for decoding: a NULL is left out, and what is damaged or cut off gives what can be seen of it.
 */
export function elementsOf(text: string): readonly string[] {
  const found: string[] = []
  // A lower bound that is not 1: "[0:2]={…}".
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0
  let element = ''
  let quoted = false
  const end = () => {
    if (quoted || (element !== '' && element !== 'NULL')) found.push(element)
    element = ''
    quoted = false
  }
  while (at < text.length) {
    const sign = text[at] ?? ''
    if (sign === '"') {
      quoted = true
      at += 1
      while (at < text.length && (text[at] !== '"' || text[at + 1] === '"')) {
        if (text[at] === '\\' || text[at] === '"') at += 1
        element += text[at] ?? ''
        at += 1
      }
    } else if (sign === '{' || sign === '}' || sign === '(' || sign === ')' || sign === ',') end()
    else element += sign
    at += 1
  }
  end()
  return found
}
