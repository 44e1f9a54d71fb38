// Elements. Text is always text: nothing in this folder writes markup.

/** An element with attributes, listeners (`onclick`) and children; strings become text, null and false are left out. */
export function h (name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value)
    else if (value === true) element.setAttribute(key, '')
    else if (value !== false && value != null) element.setAttribute(key, value)
  }
  element.append(...children.flat().filter(child => child != null && child !== false))
  return element
}

/** The element with this id. */
export const byId = id => document.getElementById(id)

/** Put other children into an element. */
export function fill (element, ...children) {
  element.replaceChildren(...children.flat().filter(child => child != null && child !== false))
}

/** A colour of the style sheet, as it is in the light or the dark. */
export const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

/** Call back whenever the reader has chosen light or dark. Returns a function that ends it. */
export function onThemeChange (callback) {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  dark.addEventListener('change', callback)
  return () => dark.removeEventListener('change', callback)
}

/** A function that runs once, some time after its last call. */
export function debounced (milliseconds, callback) {
  let timer = 0
  return (...values) => {
    clearTimeout(timer)
    timer = setTimeout(() => callback(...values), milliseconds)
  }
}
