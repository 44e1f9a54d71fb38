// The request behind what is seen: its address, code that asks it, and its answer as a file in every format.

import { askFile } from './api.js'
import { byId, fill, h } from './dom.js'
import { inFormat } from './queries.js'
import { Slot } from './slot.js'
import { ENDINGS, snippetsOf } from './snippets.js'

/** Formats that most readers look for first. */
const FIRST = ['CSV', 'NetCDF', 'GeoTIFF', 'GeoJSON', 'CoverageJSON', 'Parquet', 'PNG']

export class RequestPanel {
  constructor () {
    this.requests = {}
    this.slot = new Slot(byId('download-state'), 'the file')
    this.quickSlot = new Slot(byId('quick-state'), 'the file')
    this.code = ''
    this.shown = 'chart'
    this.key = ''
    fill(byId('request-copy'), copyButton('Copy the address', () => this.requests[this.shown]?.url ?? ''))
    byId('request-copy').hidden = true
    for (const name of ['chart', 'map']) byId(`request-of-${name}`).addEventListener('change', () => this.show(name))
  }

  /** Make known the request of the map or the chart, { url, query, formats, name, flat }; null: there is none. */
  set (which, request) {
    const before = this.requests[which]?.url
    this.requests[which] = request
    if (which === 'chart' && request?.url !== before) this.quick(request)
    byId(`request-of-${which}`).disabled = !request
    if (request && request.url !== before && (which === 'chart' || !this.requests.chart)) this.show(which)
    else if (this.shown === which) this.show(which)
  }

  /** Show one of the two, or the other where there is none. What is shown already is left as it is, with what was clicked in it. */
  show (which) {
    if (!this.requests[which]) which = which === 'chart' ? 'map' : 'chart'
    const request = this.requests[which] ?? { url: '', formats: [] }
    this.shown = which
    byId(`request-of-${which}`).checked = Boolean(request.url)
    const key = JSON.stringify([request.url, request.formats])
    if (key === this.key) return
    this.key = key
    this.slot.rest()
    const link = byId('request-url')
    link.textContent = request.url
    if (request.url) link.setAttribute('href', request.url)
    else link.removeAttribute('href')
    byId('request-copy').hidden = !request.url
    this.downloads(request)
    this.snippets(request)
  }

  downloads (request) {
    const order = format => { const at = FIRST.indexOf(format); return at < 0 ? FIRST.length : at }
    const formats = request.formats.toSorted((a, b) => order(a) - order(b))
    refill(byId('downloads'), formats.map(format => h('li', {}, this.link(request, format, this.slot))))
  }

  /** The files that most want, right beneath the chart. */
  quick (request) {
    this.quickSlot.rest()
    const formats = FIRST.filter(format => request?.formats.includes(format)).slice(0, 2)
    refill(byId('quick'), !request ? [] : ['Take it with you:', ...formats.map(format => this.link(request, format, this.quickSlot)), h('a', { href: '#request-title' }, 'all formats, the address, code')])
  }

  /** A link to the answer in another format. */
  link ({ url, query, name }, format, slot) {
    const filename = `${name}-${query}.${ENDINGS[format] ?? format.toLowerCase()}`
    const address = inFormat(url, format)
    if (format === 'HTML') return h('a', { class: 'button', href: address, target: '_blank', rel: 'noopener' }, 'HTML')
    return h('a', { class: 'button', href: address, download: filename, onclick: event => this.download(event, address, filename, slot) }, format)
  }

  /** Fetch, so that a refusal is read here and not in a broken file. */
  async download (event, address, filename, slot) {
    event.preventDefault()
    const blob = await slot.run((signal, progress) => askFile(address, { signal, progress }))
    if (blob === undefined) return
    if (blob === null) return slot.say('There are no data, so there is no file.')
    const link = h('a', { href: URL.createObjectURL(blob), download: filename })
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
    slot.say(`${filename}, ${blob.size.toLocaleString('en')} bytes.`)
  }

  snippets ({ url, formats, flat }) {
    const all = new Map(url ? snippetsOf(url, formats, flat) : [])
    const names = [...all.keys()]
    if (!names.length) return fill(byId('snippets'))
    if (!names.includes(this.code)) this.code = names.includes('Python, pandas') ? 'Python, pandas' : names[0]
    this.snippet = () => all.get(this.code)
    const before = [...byId('snippets').querySelectorAll('option')].map(option => option.value)
    if (before.join('\n') !== names.join('\n')) this.languages(names)
    byId('code-language').value = this.code
    byId('code').textContent = this.snippet()
  }

  /** Languages to choose from: made anew only where there are others, so that the choice keeps the focus while the code changes. */
  languages (names) {
    const chosen = () => { this.code = select.value; byId('code').textContent = this.snippet() }
    const select = h('select', { id: 'code-language', onchange: chosen }, names.map(name => h('option', { value: name }, name)))
    fill(byId('snippets'),
      h('div', { class: 'row' }, h('label', { for: 'code-language' }, 'The same in'), select, copyButton('Copy the code', () => this.snippet())),
      h('pre', { tabindex: '0', 'aria-label': 'Code' }, h('code', { id: 'code' })))
  }
}

/** Put other children into an element; the focus stays on what is called the same. */
function refill (element, children) {
  const focus = element.contains(document.activeElement) ? document.activeElement.textContent : null
  fill(element, children)
  if (focus !== null) [...element.querySelectorAll('a, button')].find(({ textContent }) => textContent === focus)?.focus()
}

/** A button that copies some text and says that it did. */
export function copyButton (label, text) {
  const button = h('button', {
    type: 'button',
    class: 'small',
    onclick: async () => {
      button.textContent = await copied(text()) ? 'Copied' : 'Select it and press Ctrl C'
      setTimeout(() => { button.textContent = label }, 2000)
    }
  }, label)
  button.setAttribute('aria-live', 'polite')
  return button
}

async function copied (text) {
  try {
    // Not there on a page that came without TLS from another machine.
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = h('textarea', { class: 'off-screen', 'aria-hidden': 'true' }, text)
    document.body.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}
