// The request behind what is seen: its address, code that asks it, and its answer as a file in every format.

import { askFile } from './api.js'
import { byId, fill, h } from './dom.js'
import { inFormat } from './queries.js'
import { Slot } from './slot.js'
import { ENDINGS, snippetsOf } from './snippets.js'

/** Formats that most readers look for first. */
const FIRST = ['CSV', 'NetCDF', 'GeoTIFF', 'GeoJSON', 'CoverageJSON', 'Parquet', 'PNG']
/** What a file does not say of itself. */
const NOTE = 'Values are those of the centre of a cell. In tables x, y and z are longitude, latitude and level; longitudes may count to 360.'

export class RequestPanel {
  constructor () {
    this.requests = {}
    this.slot = new Slot(byId('download-state'), 'the file')
    this.quickSlot = new Slot(byId('quick-state'), 'the file')
    this.code = ''
    this.format = '' // of the address, as the reader chose it
    this.shown = 'chart'
    this.key = ''
    const formats = h('select', { id: 'request-format', onchange: () => this.choose(formats.value) })
    fill(byId('request-copy'), h('label', { for: 'request-format' }, 'Answers as'), formats, copyButton('Copy the address', () => this.address))
    byId('request-copy').hidden = true
    for (const name of ['chart', 'map']) byId(`request-of-${name}`).addEventListener('change', () => this.show(name))
  }

  /** The address that is shown: that of the answer in the format that was chosen, or as the page asked for it. */
  get address () {
    const { url = '', formats = [] } = this.requests[this.shown] ?? {}
    return formats.includes(this.format) ? inFormat(url, this.format) : url
  }

  /** Give the address, and the code that any format will do for, in another format. */
  choose (format) {
    this.format = format
    this.addressed()
    this.snippets(this.requests[this.shown] ?? { url: '', formats: [] })
  }

  addressed () {
    const { formats = [] } = this.requests[this.shown] ?? {}
    const { address } = this
    const link = byId('request-url')
    link.textContent = address
    if (address) link.setAttribute('href', address)
    else link.removeAttribute('href')
    byId('request-copy').hidden = !address
    const select = byId('request-format')
    const names = ordered(formats)
    if ([...select.options].map(({ value }) => value).join('\n') !== names.join('\n')) fill(select, names.map(name => h('option', { value: name }, name)))
    select.value = formats.includes(this.format) ? this.format : 'CoverageJSON'
  }

  /** Make known the request of the map or the chart, { url, query, formats, name, about, flat }; null: there is none. */
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
    this.addressed()
    this.downloads(request)
    this.snippets(request)
  }

  downloads (request) {
    refill(byId('downloads'), ordered(request.formats).map(format => h('li', {}, this.link(request, format, this.slot))))
  }

  /** The files that most want, right beneath the chart. */
  quick (request) {
    this.quickSlot.rest()
    const formats = FIRST.filter(format => request?.formats.includes(format)).slice(0, 2)
    refill(byId('quick'), !request ? [] : ['Take it with you:', ...formats.map(format => this.link(request, format, this.quickSlot)), h('a', { href: '#request-title' }, 'all formats, the address, code'), h('span', { class: 'note' }, NOTE)])
  }

  /** A link to the answer in another format. */
  link ({ url, query, name, about }, format, slot) {
    const filename = `${[name, query, about].filter(Boolean).join('-')}.${ENDINGS[format] ?? format.toLowerCase()}`
    const address = inFormat(url, format)
    if (format === 'HTML') return h('a', { class: 'button', href: address, target: '_blank', rel: 'noopener' }, 'HTML')
    return h('a', { class: 'button', href: address, download: filename, onclick: event => { this.choose(format); this.download(event, address, filename, slot) } }, format)
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
    const all = new Map(url ? snippetsOf(url, formats, flat, this.format) : [])
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

/** Formats, those first that most look for. */
function ordered (formats) {
  const order = format => { const at = FIRST.indexOf(format); return at < 0 ? FIRST.length : at }
  return formats.toSorted((a, b) => order(a) - order(b))
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
