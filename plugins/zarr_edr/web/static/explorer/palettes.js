// Colours for values. Each palette is some colours in equal steps, between which the others lie.
// viridis, cividis, magma and greys are those of matplotlib (CC0); blue-red is ColorBrewer's RdBu.

const TABLES = {
  viridis: '44015448186a472d7b4240863b528b33638d2c728e26828e21918c1fa08828ae803fbc735ec96284d44baddc30d8e219fde725',
  cividis: '00224e002e6a1a386f32436d434e6c535a6d61656f6f70737d7c788c88789b9476aba072bcae6ccdbb63dec958f0d846fee838',
  magma: '0000040a08221d114736106b51127c6a1c818326819c2e7fb73779d0416fe75263f56b5cfc8961fea772fec488fde2a3fcfdbf',
  'blue-red': '0530611752902a71b23f8ec06bacd19bc9e0c2ddece0ecf3f7f6f6fbe5d8fbccb4f5aa89e48066d05548ba2832930e2667001f',
  greys: '0000001313132525253c3c3c525252636363737373858585979797aaaaaabebebeccccccdadadae5e5e5f0f0f0f8f8f8ffffff'
}

/** Names of the palettes, the default one first. */
export const PALETTES = Object.keys(TABLES)

/** Colours of lines and of the points they belong to; as in the pictures of the API. */
export const LINES = ['#00609c', '#d1495b', '#2a8a57', '#e08e0b', '#7a4fa3', '#16a3b0', '#8c5a3c', '#d65db1']
const LINES_IN_THE_DARK = ['#5fb4ea', '#ff8a97', '#6ed39c', '#f5b44c', '#bb96e6', '#56d7e3', '#d3a182', '#f29bd9']

/** The colour of the nth line. */
export function lineColour (index) {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches
  const colours = dark ? LINES_IN_THE_DARK : LINES
  return colours[index % colours.length]
}

/** 256 colours, each [red, green, blue]. */
export function palette (name) {
  const table = TABLES[name] ?? TABLES.viridis
  const stops = table.match(/.{6}/g).map(hex => [0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16)))
  return Array.from({ length: 256 }, (_, i) => {
    const at = i / 255 * (stops.length - 1)
    const low = Math.min(Math.floor(at), stops.length - 2)
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * (at - low)))
  })
}

/** The same as numbers for an ImageData of 32 bits, little-endian as every browser's machine is. */
export function packed (name) {
  return Uint32Array.from(palette(name), ([red, green, blue]) => (0xff << 24 | blue << 16 | green << 8 | red) >>> 0)
}

/** A background that shows a palette from left to right. */
export function paintBar (canvas, name) {
  const context = canvas.getContext('2d')
  palette(name).forEach(([red, green, blue], i) => {
    context.fillStyle = `rgb(${red} ${green} ${blue})`
    context.fillRect(Math.floor(i * canvas.width / 256), 0, Math.ceil(canvas.width / 256) + 1, canvas.height)
  })
}

/** Which of 256 colours stands for a value. */
export function colourIndex (value, low, high) {
  if (high <= low) return 128
  return Math.max(0, Math.min(255, Math.floor((value - low) / (high - low) * 256)))
}
