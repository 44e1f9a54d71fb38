// The page of the API: Swagger UI in the place of the list of operations, so that they can be tried.

/* global SwaggerUIBundle */

const place = document.getElementById('operations')
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Swagger UI has colours of its own for the dark. */
const recolour = () => document.documentElement.classList.toggle('dark-mode', dark.matches)

/** What the page itself says is not said twice, and descriptions are text: nothing in them becomes markup. */
const ours = ({ React }) => ({
  wrapComponents: {
    InfoContainer: () => () => null,
    Markdown: () => ({ source }) => source ? React.createElement('p', null, source) : null
  }
})

/** Names for what Swagger UI gives none, and code that scrolls within reach of the keyboard. */
function complete () {
  for (const select of place.querySelectorAll('select:not([aria-label])')) {
    const name = select.id === 'servers' ? 'Server' : select.closest('[data-param-name]')?.dataset.paramName ?? 'Media type'
    select.setAttribute('aria-label', name)
  }
  for (const code of place.querySelectorAll('pre:not([tabindex])')) code.tabIndex = 0
}

async function start () {
  const answer = await fetch(place.dataset.url)
  if (!answer.ok) throw new Error(`The document came with status ${answer.status}.`)
  const spec = await answer.json()
  const here = new URL(place.dataset.root || '/', location.href).href.replace(/\/$/, '')
  // The service may have been reached under another name than its own; of those, this page may ask the one it came from.
  if (!spec.servers?.some(({ url }) => url.replace(/\/$/, '') === here)) {
    spec.servers = [{ url: here, description: 'As this page was reached' }, ...(spec.servers ?? [])]
  }
  SwaggerUIBundle({
    spec,
    domNode: place,
    plugins: [ours],
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    validatorUrl: null,
    syntaxHighlight: false
  })
  new MutationObserver(complete).observe(place, { childList: true, subtree: true })
  recolour()
  dark.addEventListener('change', recolour)
}

start().catch(error => {
  document.documentElement.classList.remove('program') // the list stays
  throw error
})
