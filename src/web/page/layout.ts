import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Fragment, html, type Html } from './html.ts'

export interface StaticFile {
  readonly type: string
  readonly content: Buffer
}

const FILES = {
  'page.css': 'text/css; charset=utf-8',
  'page.mjs': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const

/** Read once; they lie beside this file, compiled or not. */
export const STATIC_FILES: ReadonlyMap<string, StaticFile> = new Map(
  Object.entries(FILES).map(([name, type]) => [
    name,
    { type, content: readFileSync(join(import.meta.dirname, 'static', name)) },
  ]),
)

/** Named with a digest, so that a browser keeps none that is older than its page. */
function address(name: keyof typeof FILES): string {
  const content = STATIC_FILES.get(name)?.content ?? Buffer.alloc(0)
  return `/static/${name}?v=${createHash('sha256').update(content).digest('hex').slice(0, 12)}`
}

const ADDRESSES = { css: address('page.css'), script: address('page.mjs'), icon: address('icon.svg') }

export type Section = 'approvals' | 'access' | 'passkeys'

export interface Layout {
  readonly title: string
  /** Name of the person who is signed in; undefined: nobody is. */
  readonly who: string | undefined
  readonly section?: Section
  /** Sends the browser on, from this page: what a link of another site leads to would come without the cookie. */
  readonly goTo?: string
  readonly body: Html
}

const SECTIONS: readonly (readonly [Section, string])[] = [
  ['approvals', 'Requests'],
  ['access', 'Access'],
  ['passkeys', 'Passkeys'],
]

export const page = ({ title, who, section, goTo, body }: Layout): string =>
  `<!doctype html>${html`
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${goTo !== undefined && html`<meta http-equiv="refresh" content="0;url=${goTo}">`}
<title>${title} · Chaperone</title>
<link rel="icon" type="image/svg+xml" href="${ADDRESSES.icon}">
<link rel="stylesheet" href="${ADDRESSES.css}">
<script type="module" src="${ADDRESSES.script}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar">
<a class="brand" href="/approvals"><img src="${ADDRESSES.icon}" alt="" width="24" height="24">Chaperone</a>
${who !== undefined && html`${navigation(section)}${account(who)}`}
</header>
<main id="main" tabindex="-1">${body}</main>
</body>
</html>`.toString()}`

const navigation = (section: Section | undefined): Html =>
  html`<nav aria-label="Sections">${SECTIONS.map(
    ([name, title]) => html`<a href="/${name}"${name === section && html` aria-current="page"`}>${title}</a>`,
  )}</nav>`

const account = (who: string): Html =>
  html`<div class="account"><span>${who}</span><button type="button" class="plain" data-sign-out>Sign out</button></div>`

/** A moment; the script writes it in the reader's own time zone. */
export const moment = (time: string): Html =>
  html`<time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>`

/** Something that ends; the script counts down. */
export const countdown = (time: string): Html =>
  html`<time datetime="${time}" data-until>until ${time.slice(0, 16).replace('T', ' ')} UTC</time>`

export const fact = (name: string, value: Fragment): Html => html`<div><dt>${name}</dt><dd>${value}</dd></div>`
