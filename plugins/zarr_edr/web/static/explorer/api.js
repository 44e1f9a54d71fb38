// Requests to the service: an address is not asked again while its answer is kept or under way, and may be given up.

const MOST_KEPT = 150
const MOST_CHARACTERS = 60_000_000

/** A failure in words for the reader. */
export class Failure extends Error {}

/** Where the service stands, as this page was reached: the API is beside the page. */
export const ROOT = location.origin + location.pathname.replace(/\/explorer\/?$/, '')

const kept = new Map()
const underway = new Map()
let characters = 0

/**
 * The document at an address, parsed; null where there are no data (204). Throws Failure, or AbortError once `signal` says so.
 * `progress` is called with the number of bytes that have come.
 */
export async function ask (url, { signal, progress } = {}) {
  if (kept.has(url)) return refreshed(url)
  signal?.throwIfAborted()
  return joined(url, underway.get(url) ?? begun(url), signal, progress)
}

/** A request for all who want its answer: it is given up with the last of them. */
function begun (url) {
  const request = { controller: new AbortController(), waiting: 0, followers: new Set() }
  const progress = bytes => request.followers.forEach(follower => follower(bytes))
  request.promise = asked(url, request.controller.signal, progress).finally(() => over(url, request))
  underway.set(url, request)
  return request
}

function over (url, request) {
  if (underway.get(url) === request) underway.delete(url)
}

/** Wait for a request with the others. */
function joined (url, request, signal, progress) {
  request.waiting++
  if (progress) request.followers.add(progress)
  return new Promise((resolve, reject) => {
    const leave = () => {
      request.followers.delete(progress)
      request.waiting--
      if (!request.waiting) {
        over(url, request) // who comes now asks anew
        request.controller.abort()
      }
      reject(signal.reason)
    }
    signal?.addEventListener('abort', leave, { once: true })
    request.promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave))
  })
}

function refreshed (url) {
  const entry = kept.get(url)
  kept.delete(url)
  kept.set(url, entry)
  return entry.document
}

async function asked (url, signal, progress) {
  const response = await answered(url, signal)
  const text = response.status === 204 ? '' : await received(response, progress)
  let document = null
  try {
    document = text === '' ? null : JSON.parse(text)
  } catch {
    throw new Failure('The answer is not JSON, or it ended too early. Try again.')
  }
  keep(url, document, text.length)
  return document
}

function keep (url, document, size) {
  kept.set(url, { document, size })
  characters += size
  for (const [oldest, entry] of kept) {
    if ((kept.size <= MOST_KEPT && characters <= MOST_CHARACTERS) || oldest === url) break
    kept.delete(oldest)
    characters -= entry.size
  }
}

/** The response of an address, if it is a success. Throws Failure in the words of the API. */
async function answered (url, signal) {
  let response
  try {
    response = await fetch(url, { signal, headers: { Accept: '*/*' } })
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new Failure('The service does not answer. Is it running, and are you online?')
  }
  if (!response.ok) throw new Failure(await words(response))
  return response
}

async function words (response) {
  try {
    const { description } = await response.json()
    if (typeof description === 'string' && description) return description
  } catch { /* not in the words of the API */ }
  return `The service answers with status ${response.status} ${response.statusText}.`
}

async function received (response, progress) {
  const decoder = new TextDecoder()
  let text = ''
  await read(response, progress, part => { text += decoder.decode(part, { stream: true }) })
  return text + decoder.decode()
}

/** Read a body part by part, and tell how many bytes have come. */
async function read (response, progress, take) {
  const reader = response.body.getReader()
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    bytes += value.length
    progress?.(bytes)
    take(value)
  }
}

/** The body of an address as a file; null for no data. Throws as `ask`. */
export async function askFile (url, { signal, progress } = {}) {
  const response = await answered(url, signal)
  if (response.status === 204) return null
  const parts = []
  await read(response, progress, part => parts.push(part))
  return new Blob(parts, { type: response.headers.get('Content-Type') ?? '' })
}
