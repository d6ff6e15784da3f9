import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { html } from './html.ts'

describe('html', () => {
  it('escapes text, in elements and in attributes', () => {
    const name = `<img src=x onerror=alert(1)> & "double" 'single' \`tick\``
    expect(html`<b title="${name}">${name}</b>`.toString()).toBe(
      '<b title="&lt;img src=x onerror=alert(1)&gt; &amp; &quot;double&quot; &#39;single&#39; &#96;tick&#96;">' +
        '&lt;img src=x onerror=alert(1)&gt; &amp; &quot;double&quot; &#39;single&#39; &#96;tick&#96;</b>',
    )
  })

  it('takes markup of its own as it is, joins lists, and leaves out what is not there', () => {
    const items = ['a', '<b>'].map((one) => html`<li>${one}</li>`)
    expect(html`<ul>${items}</ul>${undefined}${false}${0}`.toString()).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>0')
  })

  it('shows what would hide or turn text', () => {
    expect(html`${'a\u0000b\u202ec\u200bd\r\n\te\u2066'}`.toString()).toBe('a\ufffdb\ufffdc\ufffdd\ufffd\n\te\ufffd')
  })

  it('lets no text close a tag, an attribute or a comment', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`.toString()).not.toMatch(/[<>"'`\0\r]/)
        expect(html`${text}`.toString().replaceAll(/&(?:amp|lt|gt|quot|#39|#96);/g, '')).not.toContain('&')
      }),
    )
  })
})
