// Requests to the service: each address is asked once, and may be given up.

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
  // One who joins a request must not lose it when the other gives up.
  const other = underway.get(url)
  if (other && !other.signal?.aborted) return other.promise
  const promise = asked(url, signal, progress).finally(() => {
    if (underway.get(url)?.promise === promise) underway.delete(url)
  })
  underway.set(url, { promise, signal })
  return promise
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
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    bytes += value.length
    progress?.(bytes)
    text += decoder.decode(value, { stream: true })
  }
}

/** The body of an address as a file; null for no data. Throws as `ask`. */
export async function askFile (url, signal) {
  const response = await answered(url, signal)
  return response.status === 204 ? null : await response.blob()
}
